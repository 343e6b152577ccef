//! x
use crate::{inventory::Function, observation::Point, time::Minute};
pub const PER_MILLE: u32 = 1000;
pub fn repeated_of_last(f: &Function, w: &[(Minute, Point)]) -> [u64; 3] {
    let Some((_, p)) = w.last() else { return [0; 3] };
    if let (Some(r), false) = (p.async_received, f.synchronous) {
        let x = p.invocations.saturating_sub(r);
        return [x, x, x];
    }
    if !f.mappings.is_empty() {
        let e = w.iter().rev().nth(1).map_or(0, |(_, q)| q.errors).min(p.invocations);
        return [0, e, p.invocations.min(p.errors.max(e))];
    }
    [0; 3]
}
pub fn committed_invocations(_f: &Function, _w: &[(Minute, Point)], _n: Minute) -> [u64; 3] {
    [0; 3]
}
