//! Who, how far, and when; and what people hear of it.

use super::*;

fn reserve(from: Option<u32>, to: Option<u32>) -> Change {
    Change::ReservedConcurrency { from, to }
}

#[test]
fn the_pool_counts_what_is_reserved_and_lets_everybody_keep_what_is_theirs() {
    let mut desk = Desk::new(policy(), &[("a", 0), ("b", 0)]);
    desk.roster.inventory.functions[0].reserved = Some(300);
    let mut pool = pool::Pool::new(&desk.roster);
    assert_eq!((pool.room(None), pool.room(Some(300))), (600, 900));
    pool.take(&reserve(None, Some(590)));
    assert_eq!((pool.room(None), pool.room(Some(590))), (10, 600));
    pool.take(&reserve(Some(300), Some(100)));
    assert_eq!(pool.room(None), 210);
    pool.take(&reserve(Some(590), None));
    assert_eq!(pool.room(None), 800);
    pool.take(&Change::MappingConcurrency { mapping: "m".into(), from: None, to: Some(500) });
    assert_eq!(pool.room(None), 800, "a mapping takes nothing from the pool");
    desk.roster.policy.limits.keep_unreserved = Some(400);
    assert_eq!(pool::Pool::new(&desk.roster).room(None), 300, "the higher of the two minima is kept");
    desk.roster.policy.limits.keep_unreserved = Some(950);
    let full = pool::Pool::new(&desk.roster);
    assert_eq!((full.room(None), full.room(Some(300))), (0, 300), "lowering is always possible");
}

#[test]
fn a_budget_is_at_its_line_to_the_pico() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    assert_eq!(desk.plan().budgets[0].verdict, Verdict::BreachedAct);
    desk.book().spent = UsdRange::exact(Usd::from_dollars(10) - Usd::from_picos(1));
    let plan = desk.plan();
    assert_eq!((plan.budgets[0].verdict, plan.actions.len()), (Verdict::Warn, 0));
    assert_eq!(*reason(&plan, "a"), Reason::ExcessWithinBudget);
}

#[test]
fn what_burns_until_an_answer_takes_effect_counts_towards_the_line() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("9");
    let rule = &desk.roster.rules[0];
    let timing = desk.roster.policy.timing;
    let mut outlook = desk.draft().outlooks[0].clone();
    // A minute of tick and half a minute of actuation at $40 an hour are exactly a dollar.
    outlook.burn_per_hour = Usd::from_dollars(40);
    assert!(escalate::breached(rule, &outlook, &timing));
    outlook.spent = UsdRange::exact(usd("9") - Usd::from_picos(1));
    assert!(!escalate::breached(rule, &outlook, &timing));
}

#[test]
fn at_the_line_every_function_with_excess_is_capped() {
    let mut desk = Desk::new(policy(), &[("big", 60), ("mid", 35), ("tail", 5)]);
    desk.spent("10");
    let plan = desk.plan();
    assert_eq!(caps(&plan), [cap("big", 5), cap("mid", 5), cap("tail", 5)]);
    let line = |share| Reason::BudgetLine { excess_share_per_mille: share, affordable: 0, floor: 5 };
    assert_eq!((reason(&plan, "big"), reason(&plan, "mid")), (&line(600), &line(350)));
    assert_eq!(*reason(&plan, "tail"), line(50));
    assert!(plan.actions.iter().all(|action| action.budget == Some("day".into())));
    let mut desk = Desk::new(policy(), &[("zoo", 46), ("ant", 46), ("bee", 8)]);
    desk.spent("10");
    let in_order = [cap("ant", 5), cap("zoo", 5), cap("bee", 5)];
    assert_eq!(caps(&desk.plan()), in_order, "equal excesses go by name");
}

#[test]
fn without_history_only_what_is_above_the_even_share_of_the_budget_is_excess() {
    let mut desk = Desk::new(policy(), &[("a", 1), ("b", 1)]);
    desk.spent("10");
    let rule = &desk.roster.rules[0];
    let share = rule.even_share_per_hour();
    assert_eq!(share, Usd::from_picos(416_666_666_667), "ten dollars over 24 hours, rounded up");
    let mut reading = desk.reading.functions[0];
    reading.ordinary_per_hour = None;
    reading.burn_per_hour = share + Usd::from_picos(3);
    assert_eq!(suspects::excess(rule, share, &reading), Usd::from_picos(3));
    reading.burn_per_hour = share - Usd::from_picos(3);
    assert_eq!(suspects::excess(rule, share, &reading), Usd::ZERO);
}

#[test]
fn new_functions_do_not_hide_behind_an_even_share_each() {
    let names: Vec<String> = (0..12).map(|number| format!("new{number:02}")).collect();
    let functions: Vec<(&str, i64)> =
        names.iter().map(|name| (name.as_str(), 0)).chain([("old", 0)]).collect();
    let mut desk = Desk::new(policy(), &functions);
    desk.spent("10");
    let share = desk.roster.rules[0].even_share_per_hour();
    let burn = share.mul_div_up(7, 10);
    for reading in &mut desk.reading.functions[..12] {
        (reading.ordinary_per_hour, reading.burn_per_hour, reading.excess_per_hour) = (None, burn, burn);
    }
    // Twelve at seven tenths of the share burn 8.4 times of it; one alone would be within it.
    let plan = desk.plan();
    assert_eq!(plan.budgets[0].verdict, Verdict::BreachedAct);
    assert_eq!(caps(&plan), names.iter().map(|name| cap(name, 5)).collect::<Vec<_>>());
    for reading in &mut desk.reading.functions[1..12] {
        reading.burn_per_hour = share.mul_div_up(1, 100);
    }
    assert_eq!(desk.plan().budgets[0].verdict, Verdict::BreachedOrdinary);
}

#[test]
fn a_budget_of_invocations_compares_invocations_with_invocations_at_every_scale() {
    for power in [0, 3, 6, 9, 12] {
        let an_hour = 10_u64.pow(power);
        let mut text = policy();
        text.budget[0].usd = None;
        text.budget[0].invocations = Some(24 * an_hour);
        let mut desk = Desk::new(text, &[("a", 1), ("b", 1)]);
        desk.spent(&(24 * an_hour).to_string());
        let count = |times: i128| Usd::from_dollars(1) * i128::from(an_hour) * times;
        assert_eq!(desk.roster.rules[0].even_share_per_hour(), count(1));
        // Four times the even share for a cent, and an eighth above its ordinary, of $2 an hour, for as many.
        let [new, known] = desk.reading.functions.first_chunk_mut::<2>().unwrap();
        new.ordinary_per_hour = None;
        (new.burn_per_hour, new.invocations_per_hour) = (usd("0.01"), count(4));
        (known.burn_per_hour, known.excess_per_hour) = (usd("2"), usd("0.25"));
        known.invocations_per_hour = count(8);
        let (rule, share) = (&desk.roster.rules[0], desk.draft().share(0));
        let excesses = [0, 1].map(|index| suspects::excess(rule, share, &desk.reading.functions[index]));
        assert_eq!(excesses, [count(3), count(1)], "10^{power}");
        let plan = desk.plan();
        assert_eq!(caps(&plan), [cap("a", 5), cap("b", 5)], "10^{power}");
        let share = Reason::BudgetLine { excess_share_per_mille: 750, affordable: 0, floor: 5 };
        assert_eq!(plan.actions[0].reason, share, "10^{power}");
    }
}

#[test]
fn a_backlog_is_counted_in_invocations_where_the_budget_counts_them() {
    let mut text = policy();
    text.budget[0].usd = None;
    text.budget[0].invocations = Some(1000);
    let mut desk = Desk::new(text, &[("a", 5)]);
    desk.hold("a", None, 5, Phase::Capped);
    let waits = crate::inventory::AsyncConfig { max_event_age_s: 60, ..Default::default() };
    desk.roster.inventory.functions[0].asynchronous = Some(waits);
    // Five units, ten a second, for a minute.
    assert_eq!(desk.plan().budgets[0].deferred.high, Usd::from_dollars(3000));
}

#[test]
fn a_breach_that_nobody_s_excess_explains_is_ordinary_and_one_not_looked_at_is_refused() {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.spent("10");
    assert_eq!(desk.plan().budgets[0].verdict, Verdict::BreachedOrdinary);
    let says_why = |plan: &Plan| {
        let budget = plan.notices.iter().find(|notice| notice.alarm == "dow-guard/budget/day").unwrap();
        budget.body.iter().any(|line| line.starts_with("Nothing is capped: no function"))
    };
    assert!(!says_why(&desk.plan()));
    desk.reading.functions.clear();
    let plan = desk.plan();
    assert_eq!(plan.budgets[0].verdict, Verdict::BreachedRefused);
    assert!(says_why(&plan), "{:#?}", plan.notices);
}

#[test]
fn a_budget_that_may_only_alert_names_the_culprit_and_leaves_it() {
    let mut text = policy();
    text.budget[0].mode = Mode::Alert;
    let mut desk = Desk::new(text, &[("a", 5)]);
    desk.spent("10");
    let plan = desk.plan();
    assert_eq!((plan.budgets[0].verdict, plan.actions.len()), (Verdict::BreachedAlert, 0));
    assert_eq!(*reason(&plan, "a"), Reason::ModeForbids);
}

#[test]
fn a_protected_held_or_pardoned_function_is_refused_with_the_reason() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    desk.state.operator.holds.insert("a".into(), noon() + Duration::seconds(1));
    assert_eq!(desk.plan().refusals[0].reason, Reason::Operator);
    desk.state.operator.holds.insert("a".into(), noon());
    assert_eq!(desk.plan().actions.len(), 1, "a hold ends when it ends");
    desk.state.operator.pardons.insert("a".into(), noon() + Duration::seconds(1));
    assert_eq!(desk.plan().refusals[0].reason, Reason::Operator);
    desk.state.operator.pardons.insert("a".into(), noon());
    assert_eq!(desk.plan().actions.len(), 1);
    desk.roster.members[0].protected = true;
    let plan = desk.plan();
    assert_eq!((plan.refusals[0].reason.clone(), plan.actions.len()), (Reason::Protected, 0));
    assert_eq!(plan.budgets[0].verdict, Verdict::BreachedRefused);
}

#[test]
fn a_function_whose_tags_nobody_has_read_waits_and_people_hear_why() {
    let mut desk = Desk::new(policy(), &[("a", 5), ("b", 5)]);
    desk.spent("10");
    desk.roster.inventory.functions[0].tags_known = false;
    let plan = desk.plan();
    assert_eq!(caps(&plan), [cap("b", 5)]);
    assert_eq!((&plan.refusals[0].function, &plan.refusals[0].reason), (&"a".into(), &Reason::TagsUnread));
    let told = plan.notices.iter().find(|notice| notice.alarm == "dow-guard/function/a").unwrap();
    assert!(told.headline.starts_with("a NOT capped: its tags were not read yet"), "{}", told.headline);
    desk.roster.inventory.functions[0].tags_known = true;
    assert_eq!(caps(&desk.plan()), [cap("a", 5), cap("b", 5)]);
}

#[test]
fn a_function_is_capped_at_what_the_money_left_affords_and_not_lower() {
    // Left: 10 − 9.5 − a minute of the even share (0.416666666667 ÷ 60, rounded up to 0.006944444445) =
    // 0.493055555555. A unit for 60 s: 0.001000002 + 600 × 0.0000002 = 0.001120002. 440 units.
    // A hard line is hard in the last minute too.
    for (mode, below, to) in [(Mode::Cap, BelowFloor::KeepFloor, 440), (Mode::Stop, BelowFloor::Stop, 0)] {
        let plan = last_minute(mode, below).plan();
        assert_eq!(caps(&plan), [cap("a", to)]);
        let wanted = Reason::BudgetLine { excess_share_per_mille: 1000, affordable: 440, floor: 5 };
        assert_eq!(plan.actions[0].reason, wanted);
    }
}

#[test]
fn between_the_affordable_and_the_floor_policy_decides() {
    for (mode, below, to) in [
        (Mode::Cap, BelowFloor::KeepFloor, 441),
        (Mode::Cap, BelowFloor::Stop, 0),
        (Mode::Stop, BelowFloor::KeepFloor, 0),
    ] {
        let mut desk = last_minute(mode, below);
        // 150 % of 294 are 441, one more than the money affords.
        desk.reading.functions[0].concurrency_p99 = Some(294);
        assert_eq!(caps(&desk.plan()), [cap("a", to)], "{mode:?} {below:?}");
        desk.reading.functions[0].concurrency_p99 = Some(293);
        assert_eq!(caps(&desk.plan()), [cap("a", to.min(440))], "a floor of 440 is afforded");
    }
}

#[test]
fn a_function_whose_whole_account_is_afforded_is_left() {
    let mut desk = last_minute(Mode::Cap, BelowFloor::KeepFloor);
    desk.roster.inventory.account.concurrency = 441;
    assert_eq!(desk.plan().refusals.len() + desk.plan().actions.len(), 1, "one less is a cap, or no room");
    desk.roster.inventory.account.concurrency = 440;
    assert_eq!(desk.plan().refusals.len() + desk.plan().actions.len(), 0);
}

#[test]
fn before_the_line_a_cap_in_force_is_moved_by_half_or_not_at_all() {
    for (cap_now, wanted) in [(10, vec![cap("a", 5)]), (9, vec![])] {
        let mut desk = slack::incident(Mode::Cap, BelowFloor::KeepFloor, 5, 50);
        desk.hold("a", None, cap_now, Phase::Capped);
        let plan = desk.plan();
        assert_eq!(caps(&plan), wanted, "{cap_now}");
        assert_eq!(plan.budgets[0].verdict, Verdict::BreachedAct, "it is held already");
    }
}

#[test]
fn a_function_in_the_ramp_or_under_watch_relapses_by_any_step() {
    for phase in [Phase::Ramping, Phase::Watching] {
        let mut desk = Desk::new(policy(), &[("a", 5)]);
        desk.spent("10");
        desk.hold("a", None, 9, phase);
        desk.latch("a").relapses = 2;
        let plan = desk.plan();
        assert_eq!(caps(&plan), [cap("a", 5)]);
        assert_eq!(plan.actions[0].reason, Reason::Relapse { relapses: 3 });
    }
}

#[test]
fn a_tick_changes_so_much_and_the_next_one_the_rest() {
    let mut text = policy();
    text.limits.actions_per_tick = 1;
    let mut desk = Desk::new(text, &[("a", 50), ("b", 50)]);
    desk.spent("10");
    let first = desk.plan();
    assert_eq!(caps(&first), [cap("a", 5)]);
    let full: Vec<_> = first.refusals.iter().map(|r| (r.function.as_str(), &r.reason)).collect();
    assert_eq!(full, [("b", &Reason::TickFull)]);
    desk.hold("a", None, 5, Phase::Capped);
    let second = desk.plan();
    assert_eq!(caps(&second), [cap("b", 5)]);
    assert!(second.refusals.is_empty());
}

#[test]
fn a_warning_begins_at_the_lowest_threshold_exactly() {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.spent("5");
    assert_eq!(desk.plan().budgets[0].verdict, Verdict::Warn);
    desk.spent("4.99");
    assert_eq!(desk.plan().budgets[0].verdict, Verdict::Fine);
}

#[test]
fn hours_of_a_breach_and_of_the_reaction_before_it_are_not_ordinary() {
    let mut desk = Desk::new(policy(), &[("a", 5), ("b", 0)]);
    desk.state.functions =
        ["a", "b"].map(|name| crate::ledger::FunctionLedger::new(name.into())).into_iter().collect();
    desk.spent("10");
    let plan = desk.plan();
    crate::planner::history::taint(&desk.roster, &mut desk.state, &plan);
    // Noon less 270 s of reaction is in the hour before.
    let mut breached = crate::baseline::Profile::default();
    breached.breach(Hour::of(noon()).plus(-1), Hour::of(noon()));
    assert_eq!(desk.book().profile, breached);
    assert_eq!(desk.state.functions[0].profile, breached);
    assert_eq!(desk.state.functions[1].profile, crate::baseline::Profile::default());
}

#[test]
fn the_same_state_is_told_once_and_again_when_it_stays_open_too_long() {
    let mut text = policy();
    text.budget[0].mode = Mode::Alert;
    let mut desk = Desk::new(text, &[("a", 0)]);
    desk.spent("7");
    let alarm = "dow-guard/budget/day".to_owned();
    assert_eq!(
        desk.tell(),
        [(NoticeKind::Armed, "dow-guard/armed".to_owned()), (NoticeKind::Warned, alarm.clone())]
    );
    assert_eq!(desk.tell(), []);
    desk.at(noon() + Duration::minutes(239));
    assert_eq!(desk.tell(), []);
    desk.at(noon() + Duration::minutes(240));
    assert_eq!(desk.tell(), [(NoticeKind::Warned, alarm.clone())]);
    desk.spent("7.49");
    assert_eq!(desk.tell(), [], "no new threshold");
    desk.spent("7.5");
    assert_eq!(desk.tell(), [(NoticeKind::Warned, alarm)]);
}

#[test]
fn a_percentage_is_told_where_the_budget_breaks_even_if_every_excess_stops() {
    // Noon, and ten dollars for the day: five are to come.
    for (spent, told) in [("4.99", false), ("5", true), ("9", true)] {
        let mut text = policy();
        text.budget[0].thresholds_percent = vec![40];
        let mut desk = Desk::new(text, &[("a", 0)]);
        desk.spent(spent);
        let is_told = desk.tell().iter().any(|(kind, _)| *kind == NoticeKind::Warned);
        assert_eq!(is_told, told, "{spent}");
    }
}

#[test]
fn a_budget_s_alarm_does_not_close_while_nothing_is_read() {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.spent("6");
    desk.tell();
    desk.spent("1");
    desk.tell();
    desk.at(noon() + Duration::minutes(60));
    let is_released =
        |desk: &mut Desk| desk.tell().contains(&(NoticeKind::Released, "dow-guard/budget/day".to_owned()));
    let region = std::mem::replace(&mut desk.reading.region, Freshness::Unknown);
    assert!(!is_released(&mut desk), "nothing was read");
    desk.reading.region = region;
    assert!(is_released(&mut desk));
}

#[test]
fn a_budget_s_alarm_closes_after_an_hour_without_cause() {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.spent("6");
    desk.tell();
    desk.spent("1");
    assert_eq!(desk.tell(), []);
    desk.at(noon() + Duration::minutes(59));
    assert_eq!(desk.tell(), []);
    desk.at(noon() + Duration::minutes(60));
    assert_eq!(desk.tell(), [(NoticeKind::Released, "dow-guard/budget/day".to_owned())]);
    assert_eq!(desk.tell(), []);
}

#[test]
fn a_cause_that_comes_back_restarts_the_quiet_hour() {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.spent("6");
    desk.tell();
    desk.spent("1");
    desk.tell();
    desk.at(noon() + Duration::minutes(30));
    desk.spent("6");
    desk.tell();
    desk.at(noon() + Duration::minutes(31));
    desk.spent("1");
    desk.tell();
    desk.at(noon() + Duration::minutes(90));
    assert_eq!(desk.tell(), []);
    desk.at(noon() + Duration::minutes(91));
    assert_eq!(desk.tell().len(), 1);
}

#[test]
fn blindness_and_sight_are_each_told_once() {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.tell();
    let sight = "dow-guard/sight".to_owned();
    desk.reading.functions[0].freshness = Freshness::Unknown;
    assert_eq!(desk.tell(), [(NoticeKind::Blind, sight.clone())]);
    assert_eq!(desk.tell(), []);
    desk.reading.functions[0].freshness = Freshness::Silent;
    assert_eq!(desk.tell(), [(NoticeKind::Sighted, sight.clone())]);
    assert_eq!(desk.tell(), []);
    desk.reading.region = Freshness::Late(9);
    assert_eq!(desk.tell(), [(NoticeKind::Blind, sight)]);
}

#[test]
fn a_period_that_ends_with_a_cap_in_force_is_told() {
    let mut desk = Desk::new(policy(), &[("a", 0)]);
    desk.tell();
    desk.reading.rolled = vec![0];
    assert_eq!(desk.tell(), []);
    desk.hold("a", None, 5, Phase::Watching);
    assert_eq!(desk.tell(), []);
    for phase in [Phase::Capped, Phase::Ramping] {
        let mut desk = Desk::new(policy(), &[("a", 0)]);
        desk.reading.rolled = vec![0];
        desk.hold("a", None, 5, phase);
        assert!(desk.tell().contains(&(NoticeKind::Expired, "dow-guard/budget/day/rollover".to_owned())));
    }
}

#[test]
fn a_refusal_told_beside_an_action_is_not_told_again_alone() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    desk.roster.members[0].protected = true;
    assert!(desk.tell().contains(&(NoticeKind::Refused, "dow-guard/function/a".to_owned())));
    let alarm = desk.state.alerts.get_mut("dow-guard/function/a").unwrap();
    assert_eq!(alarm.digest, "Refused [] [\"protected\"]");
    alarm.digest = "Capped [\"something\"] [\"protected\"]".to_owned();
    assert_eq!(desk.tell(), []);
    desk.state.alerts.get_mut("dow-guard/function/a").unwrap().digest = "Capped [] [\"no-room\"]".to_owned();
    assert_eq!(desk.tell().len(), 1);
}

#[test]
fn two_budgets_broken_by_one_function_are_both_acted_for_at_once() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    desk.with_also();
    let plan = desk.plan();
    assert_eq!(caps(&plan), [cap("a", 5)]);
    let verdicts: Vec<Verdict> = plan.budgets.iter().map(|record| record.verdict).collect();
    assert_eq!(verdicts, [Verdict::BreachedAct, Verdict::BreachedAct]);

    // The first is refused for lost events' sake, the second may: the function is acted on all the same.
    let function = &mut desk.roster.inventory.functions[0];
    (function.synchronous, function.asynchronous) = (false, Some(crate::inventory::AsyncConfig::default()));
    desk.roster.rules[0].mode = Mode::Stop;
    desk.roster.rules[0].below_floor = BelowFloor::Stop;
    let plan = desk.plan();
    assert!(plan.refusals.iter().any(|refusal| refusal.reason == Reason::EventLoss));
    let verdicts: Vec<Verdict> = plan.budgets.iter().map(|record| record.verdict).collect();
    assert_eq!((caps(&plan), verdicts), (vec![cap("a", 5)], vec![Verdict::BreachedAct; 2]));
}

#[test]
fn a_budget_whose_culprit_another_budget_caps_later_in_the_plan_is_acted_for_too() {
    let mut desk = Desk::new(policy(), &[("a", 5)]);
    desk.spent("10");
    desk.with_also();
    let retrying = crate::inventory::AsyncConfig::default();
    desk.roster.inventory.functions[0].asynchronous = Some(retrying);
    desk.roster.inventory.functions[0].reserved = Some(5);
    desk.reading.functions[0].failure_per_mille = 500;
    desk.roster.rules[1].allow_event_loss = true;
    let plan = desk.plan();
    assert_eq!((plan.actions.len(), plan.refusals.len()), (1, 1));
    let verdicts: Vec<Verdict> = plan.budgets.iter().map(|record| record.verdict).collect();
    assert_eq!(verdicts, [Verdict::BreachedAct; 2]);
}

#[test]
fn a_change_made_again_names_a_budget_that_may_ask_for_it() {
    for stop in [false, true] {
        let mut text = policy();
        let below_floor = if stop { BelowFloor::Stop } else { BelowFloor::KeepFloor };
        text.budget.push(Budget { name: "also".to_owned(), below_floor, ..text.budget[0].clone() });
        let mut desk = Desk::new(text, &[("a", 0)]);
        desk.hold("a", None, 20, Phase::Capped);
        for (to, wanted) in [(5, "day"), (4, if stop { "also" } else { "day" })] {
            let change = reserve(Some(20), Some(to));
            let findings = [Finding::Resume { function: "a".into(), change }];
            let plan = plan(&desk.roster, &desk.state, &desk.seen, &desk.reading, &findings);
            assert_eq!(plan.actions[0].reason, Reason::Resumed);
            assert_eq!(plan.actions[0].budget, Some(wanted.into()), "{stop} {to}");
        }
    }
}

#[test]
fn a_cap_that_was_undone_is_set_again_unless_policy_or_an_operator_say_otherwise() {
    let again = |reassert: bool, held: bool, phase: Phase| {
        let mut desk = Desk::new(policy(), &[("a", 0)]);
        desk.hold("a", None, 5, phase);
        desk.roster.policy.release.reassert = reassert;
        if held {
            desk.state.operator.holds.insert("a".into(), noon() + Duration::hours(1));
        }
        let findings = [Finding::Untripped { function: "a".into(), change: reserve(None, Some(5)) }];
        let plan = plan(&desk.roster, &desk.state, &desk.seen, &desk.reading, &findings);
        (plan.actions.len(), plan.refusals.len())
    };
    assert_eq!(again(true, false, Phase::Capped), (1, 0));
    assert_eq!(again(true, true, Phase::Capped), (0, 1));
    assert_eq!(again(false, false, Phase::Capped), (0, 1));
    assert_eq!(again(true, false, Phase::Watching), (0, 0));
}

#[test]
fn of_two_budgets_broken_by_one_function_the_one_that_goes_further_counts() {
    for order in [[BelowFloor::KeepFloor, BelowFloor::Stop], [BelowFloor::Stop, BelowFloor::KeepFloor]] {
        let mut text = policy();
        text.budget.push(Budget { name: "also".to_owned(), ..text.budget[0].clone() });
        for (budget, below_floor) in text.budget.iter_mut().zip(order) {
            budget.below_floor = below_floor;
        }
        let mut desk = Desk::new(text, &[("a", 5)]);
        desk.reading.hidden.push(Hidden::default());
        desk.spent("10");
        let book = desk.book().clone();
        desk.state.budgets.insert("also".into(), book);
        let plan = desk.plan();
        assert_eq!(caps(&plan), [cap("a", 0)], "{order:?}");
        let stopping = if order[0] == BelowFloor::Stop { "day" } else { "also" };
        assert_eq!(plan.actions[0].budget, Some(stopping.into()));
    }
}
