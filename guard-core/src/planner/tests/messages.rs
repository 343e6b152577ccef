//! What the messages say.

use super::*;
use crate::plan::Notice;
use crate::state::AlertState;

impl Desk {
    fn plan_with(&self, findings: &[Finding]) -> Plan {
        plan(&self.roster, &self.state, &self.seen, &self.reading, findings)
    }
}

fn notice<'a>(plan: &'a Plan, alarm: &str) -> &'a Notice {
    plan.notices.iter().find(|notice| notice.alarm == alarm).unwrap()
}

fn undone(name: &str) -> Finding {
    let change = Change::ReservedConcurrency { from: None, to: Some(5) };
    Finding::Untripped { function: name.into(), change }
}

#[test]
fn blindness_names_what_cannot_be_seen() {
    let late = Freshness::Late(9);
    for (region, unreadable, wanted) in [
        (Freshness::Fresh, 1, "1 function is unreadable"),
        (Freshness::Silent, 2, "2 functions are unreadable"),
        (late, 0, "region totals are 9 min late"),
        (late, 1, "region totals are 9 min late, 1 function is unreadable"),
    ] {
        let mut desk = Desk::new(policy(), &[("a", 0), ("b", 0)]);
        desk.reading.region = region;
        for reading in desk.reading.functions.iter_mut().take(unreadable) {
            reading.freshness = Freshness::Unknown;
        }
        let plan = desk.plan();
        assert_eq!(notice(&plan, "dow-guard/sight").headline, format!("DoW Guard cannot see: {wanted}"));
    }
}

#[test]
fn a_breach_below_every_threshold_is_a_warning_and_a_rate_that_would_break_the_budget_a_note() {
    let kind = |desk: &Desk| notice(&desk.plan(), "dow-guard/budget/day").kind;
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.roster.rules[0].thresholds_percent.clear();
    desk.spent("10");
    assert_eq!(kind(&desk), NoticeKind::Warned);

    // $12 an hour for an hour is more than 14.4 times the even share of $0.42.
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    let settled = desk.reading.settled;
    let entry = Entry::exact(usd("0.2"));
    for back in 0..60 {
        desk.book().post(settled.plus(-back), &entry);
    }
    desk.spent("1");
    assert_eq!(kind(&desk), NoticeKind::Noticed);
}

#[test]
fn a_cap_that_was_undone_is_told_with_by_what_and_what_becomes_of_it() {
    let mut desk = Desk::new(policy(), &[("a", 0), ("b", 0)]);
    desk.hold("a", None, 5, Phase::Capped);
    desk.hold("b", None, 5, Phase::Capped);
    desk.state.operator.holds.insert("a".into(), noon() + Duration::hours(1));
    desk.roster.inventory.functions[1].last_modified = Some(noon());
    let findings = [undone("a"), undone("b")];
    let plan = desk.plan_with(&findings);
    let (a, b) = (notice(&plan, "dow-guard/function/a"), notice(&plan, "dow-guard/function/b"));
    assert_eq!((a.kind, b.kind, a.alarming), (NoticeKind::Untripped, NoticeKind::Untripped, true));
    assert_eq!((&a.budget, &a.function), (&Some("day".into()), &Some("a".into())));
    assert_eq!(a.headline, "Cap on a was undone by a change outside the guard");
    assert_eq!(b.headline, "Cap on b was undone by the deploy of 2026-11-02 12:00 UTC");
    let left = "It is left as it is (policy release.reassert, or a hold).";
    assert_eq!(a.body, ["reserved concurrency none → 5", left]);
    assert_eq!(b.body, ["reserved concurrency none → 5", "It is set again until the incident is over."]);

    desk.state.operator.armed = Some(false);
    let plan = desk.plan_with(&findings);
    assert_eq!(notice(&plan, "dow-guard/function/b").body[1], "Disarmed: it would be set again.");
}

#[test]
fn a_value_that_somebody_else_has_set_is_told_with_both_values() {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.hold("a", None, 5, Phase::Capped);
    desk.latch("a").levers[0].found = found(7);
    let finding = Finding::Foreign {
        function: "a".into(),
        lever: Lever::ReservedConcurrency,
        ours: Setting::Concurrency(Some(5)),
        found: Setting::Concurrency(Some(7)),
    };
    let plan = desk.plan_with(&[finding]);
    let told = notice(&plan, "dow-guard/function/a");
    assert_eq!((told.kind, told.alarming), (NoticeKind::Refused, true));
    assert_eq!(told.headline, "a was changed by somebody else: 7 instead of 5");
    assert_eq!(plan.notices.iter().filter(|notice| notice.alarm == told.alarm).count(), 1);
}

#[test]
fn a_change_that_was_not_found_in_force_or_has_nowhere_to_go_is_not_told() {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.hold("a", None, 5, Phase::Capped);
    desk.tell();
    let change = Change::ReservedConcurrency { from: None, to: Some(5) };
    let findings = [
        Finding::Resume { function: "a".into(), change },
        Finding::Gone { function: "a".into(), lever: Some(Lever::AsyncConfig) },
    ];
    assert_eq!(desk.plan_with(&findings).notices, []);
}

#[test]
fn a_cap_is_told_as_an_alarm_with_what_was_done_and_how_to_undo_it() {
    for (armed, kind, headline, line) in [
        (true, NoticeKind::Capped, "b CAPPED: reserved concurrency none → 5", "Change b"),
        (
            false,
            NoticeKind::WouldHaveCapped,
            "b would have been capped: reserved concurrency none → 5 (disarmed)",
            "Would change b",
        ),
    ] {
        let mut desk = Desk::new(policy(), &[("a", 5), ("b", 5)]);
        desk.spent("10");
        desk.roster.members[0].protected = true;
        desk.state.operator.armed = Some(armed);
        let plan = desk.plan();
        let told = notice(&plan, "dow-guard/function/b");
        assert_eq!((told.kind, told.alarming), (kind, true));
        assert_eq!(told.headline, format!("{headline}. $10.00 of $10.00, $0.00/h"));
        assert!(told.body[0].starts_with(line), "{}", told.body[0]);
        let undo = "Undo: invoke the guard with {\"command\":\"release\",\"function\":\"b\"}";
        assert!(told.body.iter().any(|line| line == undo), "{:?}", told.body);
        let refused = notice(&plan, "dow-guard/function/a");
        assert_eq!((refused.kind, refused.alarming), (NoticeKind::Refused, true));
        assert!(refused.headline.starts_with("a NOT capped: "), "{}", refused.headline);
    }
}

#[test]
fn what_only_waits_for_the_next_tick_is_not_told() {
    let mut text = policy();
    text.limits.actions_per_tick = 1;
    let mut desk = Desk::new(text, &[("a", 50), ("b", 50)]);
    desk.spent("10");
    let plan = desk.plan();
    assert_eq!(plan.refusals[0].reason, Reason::TickFull);
    assert!(plan.notices.iter().all(|notice| notice.function != Some("b".into())));
}

/// A function whose cap of five, from `original`, is due for a step up, with its alarm open.
fn due(original: Option<u32>) -> Desk {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    desk.tell();
    desk.reading.functions[0].excess_per_hour = Usd::ZERO;
    desk.spent("1");
    desk.hold("a", original, 5, Phase::Capped);
    desk.latch("a").calm_since = Some(Minute::of(noon()));
    desk.at(noon() + Duration::minutes(30));
    desk
}

#[test]
fn a_step_of_the_ramp_keeps_the_alarm_open_and_the_last_one_closes_it() {
    let plan = due(None).plan();
    let step = notice(&plan, "dow-guard/function/a");
    assert_eq!((step.kind, step.alarming), (NoticeKind::Releasing, true));
    assert_eq!(step.headline, "a recovering: reserved concurrency 5 → 10. $1.00 of $10.00, $0.00/h");
    let plan = due(Some(9)).plan();
    let last = notice(&plan, "dow-guard/function/a");
    assert_eq!((last.kind, last.alarming), (NoticeKind::Released, false));
    assert_eq!(last.headline, "OK: a released: reserved concurrency 5 → 9. $1.00 of $10.00, $0.00/h");
}

#[test]
fn a_function_is_released_when_every_lever_is_back_and_not_before() {
    for (original, kind) in [(None, NoticeKind::Releasing), (Some(9), NoticeKind::Released)] {
        let mut desk = due(original);
        desk.latch("a").levers.push(LeverState {
            lever: Lever::MappingEnabled { mapping: "m".into() },
            original: Setting::Enabled(true),
            ours: Some(Setting::Enabled(false)),
            pending: None,
            found: None,
        });
        let plan = desk.plan();
        assert_eq!(plan.actions.len(), 2);
        assert_eq!(notice(&plan, "dow-guard/function/a").kind, kind);
    }
}

#[test]
fn a_refusal_beside_a_release_keeps_the_alarm_open() {
    let mut desk = due(Some(9));
    desk.spent("10");
    desk.reading.functions[0].excess_per_hour = Usd::from_dollars(5);
    desk.roster.members[0].protected = true;
    let plan = desk.plan();
    assert_eq!((caps(&plan), &plan.refusals[0].reason), (vec![cap("a", 9)], &Reason::Protected));
    let told = notice(&plan, "dow-guard/function/a");
    assert_eq!((told.kind, told.alarming), (NoticeKind::Released, true));
}

#[test]
fn the_end_of_a_period_names_the_functions_that_it_leaves_capped() {
    let all = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "other", "watched"];
    for (count, names, functions) in [
        (1, "Capped: a", "1 function"),
        (10, "Capped: a, b, c, d, e, f, g, h, i, j", "10 functions"),
        (11, "Capped: a, b, c, d, e, f, g, h, i, j, …", "11 functions"),
    ] {
        let mut desk = Desk::new(policy(), &all.map(|name| (name, 0)));
        for name in all.iter().take(count) {
            desk.hold(name, None, 5, Phase::Capped);
        }
        desk.hold("other", None, 5, Phase::Capped);
        desk.latch("other").budget = None;
        desk.hold("watched", None, 5, Phase::Capped);
        desk.latch("watched").levers.clear();
        desk.reading.rolled = vec![0];
        let plan = desk.plan();
        let told = notice(&plan, "dow-guard/budget/day/rollover");
        assert_eq!((told.kind, told.alarming), (NoticeKind::Expired, true));
        assert_eq!(told.headline, format!("Period of day ended with {functions} capped"));
        assert_eq!(told.body[0], names);
    }
}

#[test]
fn a_refusal_told_among_others_is_not_told_again_alone() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    desk.roster.members[0].protected = true;
    desk.tell();
    for (told, again) in [
        ("Capped [\"something\"] [\"no-room\", \"protected\", \"no-room\"]", false),
        ("Refused [] [\"protected\", \"event-loss\"]", false),
        ("Refused [] [\"no-room\", \"event-loss\"]", true),
        ("Refused a was changed by somebody else", true),
    ] {
        told.clone_into(&mut desk.state.alerts.get_mut("dow-guard/function/a").unwrap().digest);
        assert_eq!(desk.tell().len(), usize::from(again), "{told}");
    }
}

#[test]
fn a_budget_at_its_line_is_told_once_whether_its_functions_are_capped_or_refused() {
    let budget = (NoticeKind::Warned, "dow-guard/budget/day".to_owned());
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    assert!(desk.tell().contains(&budget));
    desk.roster.members[0].protected = true;
    assert_eq!(desk.tell(), [(NoticeKind::Refused, "dow-guard/function/a".to_owned())]);
}

#[test]
fn a_budget_is_not_ok_while_something_is_held_for_it() {
    let said = |phase: Option<Phase>| {
        let mut desk = Desk::new(policy(), &[("a", 0)]);
        if let Some(phase) = phase {
            desk.hold("a", None, 5, phase);
        }
        let alert = AlertState {
            open: true,
            opened_at: noon() - Duration::hours(9),
            sent_at: noon() - Duration::hours(9),
            quiet_since: Some(noon() - Duration::hours(8)),
            digest: String::new(),
        };
        desk.state.alerts.insert("dow-guard/budget/day".to_owned(), alert);
        desk.spent("1");
        let notices = desk.plan().notices;
        notices.into_iter().any(|notice| notice.alarm == "dow-guard/budget/day" && !notice.alarming)
    };
    assert!(said(None), "a quiet budget is told as well");
    assert!(!said(Some(Phase::Capped)), "a new day is no end while a cap stands");
    assert!(!said(Some(Phase::Ramping)));
    assert!(said(Some(Phase::Standing)), "a ceiling that always stands is no incident");
}

#[test]
fn what_is_protected_is_refused_with_the_cap_that_it_would_have_had() {
    let mut desk = Desk::new(policy(), &[("a", 9)]);
    desk.roster.members[0].protected = true;
    desk.spent("10");
    let plan = desk.plan();
    let refusal = &plan.refusals[0];
    assert_eq!(refusal.reason, Reason::Protected);
    let wanted = Change::ReservedConcurrency { from: None, to: Some(5) };
    assert_eq!(refusal.change, Some(wanted), "what a person can set by hand");
}
