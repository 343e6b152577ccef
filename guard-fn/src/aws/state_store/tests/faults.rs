//! Crashes, races, lost answers and damage.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_head_changes_nothing_and_what_it_left_is_swept() {
    let fake = Fake::default();
    let mut saved = memory(60, 1);
    store(&fake).save(&mut saved, &none()).await.unwrap();
    let crashing = store(&fake);
    let mut lost = crashing.load().await.unwrap();
    let touched = post(&mut lost, 7);
    for attempt in 0..3 {
        fake.fail("PutItem", attempt, Fault::LostBefore);
    }
    let error = crashing.save(&mut lost, &touched).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert_eq!(lost.state.revision, 1);
    let next = store(&fake);
    let mut memory = next.load().await.unwrap();
    assert_eq!(memory, saved);
    let revisions =
        |fake: &Fake| fake.keys().iter().filter(|key| layout::revision_of(key) == Some(2)).count();
    assert_eq!(revisions(&fake), 1, "what the crash left");
    // A head of its revision has to be there before it is known to be left for good.
    let touched = post(&mut memory, 8);
    next.save(&mut memory, &touched).await.unwrap();
    let last = store(&fake);
    let mut memory = last.load().await.unwrap();
    let touched = post(&mut memory, 9);
    last.save(&mut memory, &touched).await.unwrap();
    assert_eq!(revisions(&fake), 1, "only the one that is in use");
    assert_eq!(store(&fake).load().await.unwrap(), memory);
}

#[tokio::test(start_paused = true)]
async fn of_two_that_start_from_one_revision_the_second_is_told_and_changes_nothing() {
    let fake = Fake::default();
    let mut saved = memory(60, 1);
    store(&fake).save(&mut saved, &none()).await.unwrap();
    let (one, other) = (store(&fake), store(&fake));
    let (mut first, mut second) = (one.load().await.unwrap(), other.load().await.unwrap());
    let (touched, also) = (post(&mut first, 7), post(&mut second, 8));
    one.save(&mut first, &touched).await.unwrap();
    let error = other.save(&mut second, &also).await.unwrap_err();
    assert_eq!(error, StoreError::Conflict { revision: 1 });
    assert_eq!(store(&fake).load().await.unwrap(), first);
    // A memory that never was loaded is no way around it.
    let mut new = memory(1, 0);
    assert_eq!(store(&fake).save(&mut new, &none()).await, Err(StoreError::Conflict { revision: 0 }));
    assert_eq!(store(&fake).load().await.unwrap(), first);
}

#[tokio::test(start_paused = true)]
async fn a_save_whose_answer_is_lost_is_known_to_have_succeeded() {
    // The second attempt is refused by what the first has done; or no attempt is answered at all.
    let lost: [&[(u64, Fault)]; 3] = [
        &[(0, Fault::LostAfter)],
        &[(0, Fault::LostAfter), (1, Fault::Failing)],
        &[(0, Fault::LostAfter), (1, Fault::LostBefore), (2, Fault::Failing)],
    ];
    for faults in lost {
        let fake = Fake::default();
        let store = store(&fake);
        let mut memory = memory(20, 1);
        store.save(&mut memory, &none()).await.unwrap();
        for (attempt, fault) in faults {
            fake.fail("PutItem", *attempt, *fault);
        }
        let touched = post(&mut memory, 7);
        store.save(&mut memory, &touched).await.unwrap();
        assert_eq!(memory.state.revision, 2);
        assert_eq!(super::super::tests::store(&fake).load().await.unwrap(), memory);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_batch_leaves_unprocessed_is_sent_again() {
    let fake = Fake::default();
    for nth in 0..5 {
        fake.fail("BatchWriteItem", nth, Fault::Partial);
    }
    let mut memory = memory(60, 1);
    store(&fake).save(&mut memory, &none()).await.unwrap();
    assert_eq!(store(&fake).load().await.unwrap(), memory);
    for nth in 0..30 {
        fake.fail("BatchWriteItem", nth, Fault::Partial);
    }
    let again = store(&fake);
    let mut loaded = again.load().await.unwrap();
    let touched = (0..60).map(name).collect();
    let error = again.save(&mut loaded, &touched).await.unwrap_err().to_string();
    assert!(error.contains("unprocessed"), "{error}");
    assert_eq!(store(&fake).load().await.unwrap(), memory);
}

#[tokio::test]
async fn a_memory_that_is_saved_while_it_is_read_is_read_again() {
    let (before, fake) = (Fake::default(), Fake::default());
    let writer = store(&fake);
    let mut memory = memory(60, 1);
    writer.save(&mut memory, &none()).await.unwrap();
    before.0.lock().unwrap().items = fake.0.lock().unwrap().items.clone();
    for _ in 0..3 {
        let touched = post(&mut memory, 7);
        writer.save(&mut memory, &touched).await.unwrap();
    }
    let asked = std::sync::atomic::AtomicU32::new(0);
    let (old, new) = (before.clone(), fake.clone());
    let config = in_process::config(move |request| {
        let is_first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        if is_first { old.answer(request) } else { new.answer(request) }
    });
    let reader = DynamoStore::new(
        &config,
        Calls::default(),
        "guard".to_owned(),
        "dow-guard",
        Region::new("eu-central-1"),
    );
    assert_eq!(reader.load().await.unwrap(), memory);
}

#[tokio::test]
async fn what_is_missing_damaged_or_newer_is_unreadable_and_named() {
    type Damage = fn(&mut std::collections::BTreeMap<(String, String), serde_json::Value>);
    let cases: [(&str, Damage); 6] = [
        ("is missing", |items| items.retain(|(_, sort), _| !sort.starts_with("S#F#"))),
        ("does not unpack", |items| {
            for (_, item) in items.iter_mut().filter(|((_, sort), _)| sort.starts_with("S#I#")) {
                item["body"] = serde_json::json!({ "B": "AAAA" });
            }
        }),
        ("the directory", |items| {
            for (_, item) in items.iter_mut().filter(|((_, sort), _)| sort == "HEAD") {
                item["directory"] = serde_json::json!({ "B": "AAAA" });
            }
        }),
        ("the rest", |items| {
            for (_, item) in items.iter_mut().filter(|((_, sort), _)| sort == "HEAD") {
                item.as_object_mut().unwrap().remove("rest");
            }
        }),
        ("newer version", |items| {
            for (_, item) in items.iter_mut().filter(|((_, sort), _)| sort == "HEAD") {
                item["schema"] = serde_json::json!({ "N": "2" });
            }
        }),
        ("has revision 2", |items| {
            for (_, item) in items.iter_mut().filter(|((_, sort), _)| sort == "HEAD") {
                item["revision"] = serde_json::json!({ "N": "2" });
            }
        }),
    ];
    for (word, damage) in cases {
        let fake = Fake::default();
        let mut memory = memory(20, 1);
        store(&fake).save(&mut memory, &none()).await.unwrap();
        damage(&mut fake.0.lock().unwrap().items);
        let error = store(&fake).load().await.unwrap_err();
        assert!(matches!(error, StoreError::Unreadable { .. }), "{word}: {error}");
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_call_fails_the_memory_is_the_old_one_or_the_new_one() {
    let operations = ["GetItem", "PutItem", "Query", "BatchWriteItem"];
    let faults = [Fault::LostAfter, Fault::LostBefore, Fault::Failing];
    let fake = Fake::default();
    let mut known = memory(20, 2);
    store(&fake).save(&mut known, &none()).await.unwrap();
    let mut saved = 0;
    for round in 0..150_usize {
        for nth in 0..noise(round) % 9 {
            let draw = usize::try_from(noise(round * 31 + usize::try_from(nth).unwrap())).unwrap();
            fake.fail(operations[draw % 4], nth % 5, faults[draw / 4 % 3]);
        }
        let guard = store(&fake);
        let Ok(mut memory) = guard.load().await else {
            fake.0.lock().unwrap().faults.clear();
            continue;
        };
        assert_eq!(memory, known, "round {round}");
        for step in 0..3 {
            let touched = post(&mut memory, (round + step) % 20);
            let result = guard.save(&mut memory, &touched).await;
            fake.0.lock().unwrap().faults.clear();
            if result.is_ok() {
                saved += 1;
                known = memory.clone();
                continue;
            }
            let there = store(&fake).load().await.unwrap();
            memory.state.revision = there.state.revision;
            assert!(there == known || there == memory, "round {round}");
            known = there;
            break;
        }
    }
    assert!(saved > 150, "{saved} saves of 450 succeeded");
    // Of what crashes left only what waits for its next batch is there.
    let guard = store(&fake);
    let mut memory = guard.load().await.unwrap();
    for step in 0..20 {
        let touched = post(&mut memory, step);
        guard.save(&mut memory, &touched).await.unwrap();
    }
    assert!(fake.keys().len() < 70, "{} items", fake.keys().len());
}
