//! Sends the waiting messages: to each audience in order, and to all of them at the same time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use guard_core::alert::{Audience, Message};
use tokio::time::{Instant, timeout_at};

use crate::ports::{AlertSink, TIME_IS_UP, Unavailable};

/// Failed sends after which a tick stops sending. Our choice: each may last as long as the call's time-out.
const SEND_TRIES_MAX: usize = 3;

/// What came of it.
pub(super) struct Told {
    /// Messages that no service has accepted, in their order.
    pub(super) left: Vec<Message>,
    pub(super) problems: Vec<Unavailable>,
    /// Audiences whose topic failed: it is not tried again in this tick.
    pub(super) deaf: BTreeSet<Audience>,
}

/// Sends messages, oldest first, until a moment: to each audience apart, because the order within one counts (a pager is
/// told that an alarm is over after it was told of it), and to none of those that are deaf already.
pub(super) async fn send(
    sink: &dyn AlertSink,
    messages: Vec<Message>,
    until: Instant,
    mut deaf: BTreeSet<Audience>,
) -> Told {
    let failed = AtomicUsize::new(0);
    let lane = |audience: Audience| {
        let messages: &[Message] = if deaf.contains(&audience) { &[] } else { &messages };
        lane(sink, messages, audience, until, &failed)
    };
    let lanes = tokio::join!(lane(Audience::People), lane(Audience::Chat), lane(Audience::Pager));
    let lanes = [(Audience::People, lanes.0), (Audience::Chat, lanes.1), (Audience::Pager, lanes.2)];
    let mut sent = vec![false; messages.len()];
    let mut problems = Vec::new();
    for (audience, (places, faults)) in lanes {
        for place in places {
            if let Some(sent) = sent.get_mut(place) {
                *sent = true;
            }
        }
        deaf.extend((!faults.is_empty()).then_some(audience));
        problems.extend(faults);
    }
    let left = messages.into_iter().zip(sent).filter(|(_, sent)| !sent).map(|(message, _)| message);
    Told { left: left.collect(), problems, deaf }
}

/// The messages for one audience; the places of those accepted.
async fn lane(
    sink: &dyn AlertSink,
    messages: &[Message],
    audience: Audience,
    until: Instant,
    failed: &AtomicUsize,
) -> (Vec<usize>, Vec<Unavailable>) {
    let (mut sent, mut problems) = (Vec::new(), Vec::new());
    for (place, message) in messages.iter().enumerate().filter(|(_, message)| message.audience == audience) {
        // A topic that does not answer is not tried a hundred times in one tick.
        if failed.load(Ordering::Relaxed) >= SEND_TRIES_MAX {
            break;
        }
        match timeout_at(until, sink.send(message)).await {
            Ok(Ok(())) => sent.push(place),
            Ok(Err(problem)) => {
                failed.fetch_add(1, Ordering::Relaxed);
                problems.push(problem);
            }
            Err(_) => {
                problems.push(Unavailable::new("sending messages", TIME_IS_UP));
                break;
            }
        }
    }
    (sent, problems)
}
