//! Rows by minute and by hour, ascending.

use std::collections::VecDeque;

/// The slot of a key in an ascending row, created if absent. Keys come mostly at the end, one of the newest.
pub(crate) fn slot_of<K: Copy + Ord, V: Default>(row: &mut VecDeque<(K, V)>, key: K) -> &mut V {
    let newest = row.iter().rev().take(NEWEST).take_while(|(other, _)| *other >= key).count();
    let at = match newest {
        NEWEST => row.partition_point(|(other, _)| *other < key),
        newest => row.len() - newest,
    };
    if row.get(at).is_none_or(|(other, _)| *other != key) {
        row.insert(at, (key, V::default()));
    }
    &mut row[at].1
}

/// Keys tried one by one from the end of a row.
const NEWEST: usize = 4;

/// Drops entries before a key.
pub(crate) fn forget<K: Copy + Ord, V>(row: &mut VecDeque<(K, V)>, before: K) {
    while row.front().is_some_and(|(key, _)| *key < before) {
        row.pop_front();
    }
}
