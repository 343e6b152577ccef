//! A guard that is about to be deleted: everything is put back first, and what cannot be is said and not forgotten.

use guard_fn::guard::AnswerError;
use guard_fn::testing::{Fate, Faults};

use super::world::{ORIGINALS, World};

/// An account in which the guard has capped what is attacked.
async fn capped() -> World {
    let world = World::new();
    let mut guard = world.guard(&Faults::none());
    for tick in 0..6 {
        guard.tick(world.advance(tick), &[]).await.unwrap();
    }
    let held = world.store.memory().state.latches.values().filter(|latch| !latch.levers.is_empty()).count();
    assert_eq!(held, 2, "api and img are capped: {:?}", world.settings());
    world
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_leaves_puts_back_unset_and_numbers_and_caps_nothing_again() {
    let world = capped().await;
    let mut guard = world.guard(&Faults::none());
    guard.leave(world.advance(6)).await.unwrap();
    assert!(world.is_restored(), "{:?}", world.settings());
    // The attack goes on, and so do the ticks until the schedule is deleted.
    guard.tick(world.advance(7), &[]).await.unwrap();
    assert!(world.is_restored(), "{:?}", world.settings());
    // Nothing is left to put back: asked again, it may still leave.
    guard.leave(world.advance(8)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_guard_whose_restore_is_refused_may_not_leave_and_forgets_nothing() {
    let world = capped().await;
    let mut guard = world.guard(&Faults::none());
    for _ in 0..20 {
        world.control.decree(Fate::Refuse("AccessDeniedException: not authorized".to_owned()));
    }
    let capped = world.settings();
    let error = guard.leave(world.advance(6)).await.unwrap_err();
    let AnswerError::Held { held } = &error else { panic!("{error}") };
    assert_eq!(held.len(), 2, "{held:?}");
    assert!(held.iter().all(|one| one.contains("refused: AccessDeniedException")), "{held:?}");
    assert!(error.to_string().contains("api: refused"), "{error}");
    assert_eq!(world.settings(), capped);
    // The permission is there again.
    let asked = world.control.asked();
    assert!(asked >= 6, "it was tried three times: {asked}");
    while world.control.asked() < asked + 20 && !world.is_restored() {
        let _ = guard.leave(world.advance(7)).await;
    }
    assert!(world.is_restored(), "{:?} of {ORIGINALS:?}", world.settings());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_and_a_tick_at_the_same_time_keep_no_guard_from_leaving() {
    for fate in [Fate::TimeOutAfter, Fate::TimeOutBefore] {
        let world = capped().await;
        world.control.decree(fate.clone());
        world.guard(&Faults::none()).leave(world.advance(6)).await.unwrap();
        assert!(world.is_restored(), "{fate:?}: {:?}", world.settings());
    }
    let world = capped().await;
    let (mut leaving, mut ticking) = (world.guard(&Faults::none()), world.guard(&Faults::none()));
    let at = world.advance(6);
    let (left, _) = tokio::join!(leaving.leave(at), ticking.tick(at, &[]));
    left.unwrap();
    assert!(world.is_restored(), "{:?}", world.settings());
}

#[tokio::test(start_paused = true)]
async fn a_function_that_was_deleted_keeps_no_guard_from_leaving() {
    let world = capped().await;
    world.control.meddle(|inventory| inventory.functions.retain(|function| function.name.as_str() != "api"));
    world.guard(&Faults::none()).leave(world.advance(6)).await.unwrap();
    assert_eq!(world.settings(), [("img".to_owned(), Some(50)), ("off".to_owned(), Some(0))]);
}
