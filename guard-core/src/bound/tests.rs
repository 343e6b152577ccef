//! Arithmetic by hand, and an adversary who tries to cross the line.

use proptest::prelude::*;

use super::*;
use crate::inventory::Function;
use crate::money::PICOS_PER_USD;
use crate::policy::Companion;
use crate::pricing::{Currency, Quote, Tier};

fn picos(picos: i128) -> Usd {
    Usd::from_picos(picos)
}

/// A function whose busy second and request cost so many pico-dollars.
fn unit(busy_second: i128, request: i128) -> UnitCost {
    let quote = Quote {
        request: picos(request),
        gb_second: vec![Tier { upto_gb_s: None, price: picos(busy_second) }],
        ephemeral_gb_second: Usd::ZERO,
        provisioned_gb_second: Usd::ZERO,
        provisioned_duration_gb_second: Usd::ZERO,
        currency: Currency::Usd,
        unknown: vec![],
    };
    UnitCost::new(&Function::new("f", 1024, 1), &quote, &Companion::default(), Usd::ZERO)
}

fn timing(metric_lag_s: u32, tick_s: u32, actuation_s: u32) -> Timing {
    Timing { metric_lag_s, tick_s, actuation_s, ..Timing::default() }
}

#[test]
fn the_overrun_of_a_thousand_gigabytes_is_as_worked_out_by_hand() {
    // 1 GB x86 in us-east-1: $0.0000166667 a second, $0.0000002 a request. L = 60 + 180 + 60 + 30 = 330 s, τ = 30 s.
    let unit = unit(16_666_700, 200_000);
    let input = OverrunInput {
        unit: &unit,
        timeout_s: 30,
        reaction_s: Timing::default().reaction_s(),
        ceiling: 1000,
        envelope: 20,
        deferred: Usd::from_dollars(2),
        left: 15,
        left_s: 3600,
    };
    let both = overrun(&input);
    let bound = both.without_envelope;
    // 1000 · 360 s · $0.0000166667 = $6.000012
    assert_eq!(bound.running, picos(6_000_012_000_000));
    // 10 · 1000 · 330 s · $0.0000002 = $0.66
    assert_eq!(bound.admitted, picos(660_000_000_000));
    // 15 · 3600 s · ($0.0000166667 + 10 · $0.0000002) = 54,000 · $0.0000186667 = $1.0080018
    assert_eq!(bound.floor, picos(1_008_001_800_000));
    assert_eq!(
        bound.total(),
        picos(6_000_012_000_000 + 660_000_000_000 + 2 * PICOS_PER_USD + 1_008_001_800_000)
    );
    assert_eq!((bound.concurrency, bound.reaction_s, bound.timeout_s), (1000, 330, 30));
    let with = both.with_envelope;
    // A fiftieth of the concurrency: a fiftieth of the first two terms.
    assert_eq!((with.running, with.admitted), (picos(120_000_240_000), picos(13_200_000_000)));
    assert_eq!((with.concurrency, with.floor, with.deferred), (20, bound.floor, bound.deferred));
}

#[test]
fn a_stopped_function_burns_nothing_under_the_cap_and_an_envelope_never_raises_the_ceiling() {
    let unit = unit(100, 1);
    let stopped = OverrunInput {
        unit: &unit,
        timeout_s: 5,
        reaction_s: 15,
        ceiling: 3,
        envelope: 20,
        deferred: Usd::ZERO,
        left: 0,
        left_s: 2,
    };
    let both = overrun(&stopped);
    // L = 15: 3 · 100 · (15 + 5) = 6000; 10 · 3 · 1 · 15 = 450.
    assert_eq!(both.without_envelope.total(), picos(6450));
    assert_eq!(both.without_envelope, both.with_envelope);
    let kept = OverrunInput { left: 9, ..stopped };
    // Never more than the three that are there: 3 · 2 · (100 + 10).
    assert_eq!(overrun(&kept).without_envelope.floor, picos(660));
}

#[test]
fn the_worst_case_is_busy_all_the_time_and_ten_requests_a_second() {
    assert_eq!(worst_case(&unit(100, 3), 4, 7), picos(4 * 7 * 130));
    assert_eq!(worst_case(&unit(100, 3), 0, 7), Usd::ZERO);
}

/// Lag 10, tick 2, actuation 1, τ 3: 10 + 1 + 6 = 17 s back, 2 + 1 + 3 = 6 s ahead.
fn input<'a>(functions: Vec<BarrierFunction<'a>>, remaining: i128) -> BarrierInput<'a> {
    BarrierInput {
        remaining: picos(remaining),
        functions,
        pool: 100,
        room: 90,
        timing: timing(10, 2, 1),
        floor_wins: false,
    }
}

struct Two {
    names: [FunctionName; 2],
    units: [UnitCost; 2],
}

impl Two {
    /// `a` costs 100 a second, `b` 110 with its requests.
    fn new() -> Self {
        Two { names: ["a".into(), "b".into()], units: [unit(100, 0), unit(90, 2)] }
    }

    fn functions(&self, current: [Option<u32>; 2], wanted: [Option<u32>; 2]) -> Vec<BarrierFunction<'_>> {
        let one = |i: usize| BarrierFunction {
            function: &self.names[i],
            unit: &self.units[i],
            timeout_s: 3,
            current: current[i],
            wanted: wanted[i],
            floor: 5,
        };
        vec![one(0), one(1)]
    }
}

fn held(input: &BarrierInput<'_>) -> Vec<Option<u32>> {
    ceilings(input).into_iter().map(|ceiling| ceiling.hold).collect()
}

#[test]
fn a_ceiling_counts_for_lag_actuation_and_time_out_and_one_ahead_for_tick_actuation_and_time_out() {
    assert_eq!(memory_s(&timing(10, 2, 1), 3), 14);
    let two = Two::new();
    let reserved = input(two.functions([Some(7), Some(0)], [Some(7), Some(0)]), 0);
    // 7 · 100 · 17 back; 2 · 100 · 6 + 3 · 110 · 6 ahead.
    assert_eq!(barrier_worst_case(&reserved, &[Some(2), Some(3)]), picos(11_900 + 1200 + 1980));
    let pooled = input(two.functions([None, None], [None, None]), 0);
    // The whole pool of 100 at the dearer 110: 17 s back and 6 s ahead.
    assert_eq!(barrier_worst_case(&pooled, &[None, None]), picos(100 * 110 * (17 + 6)));
    assert_eq!(
        barrier_worst_case(&pooled, &[None, Some(4)]),
        picos(100 * 110 * 17 + 100 * 100 * 6 + 4 * 110 * 6)
    );
}

#[test]
fn ceilings_shrink_dearest_excess_first_to_floors_and_then_below() {
    let two = Two::new();
    // Back: 10 · 100 · 17 + 20 · 110 · 17 = 54,400. Ahead as wanted: 10 · 600 + 20 · 660 = 19,200.
    let functions = || two.functions([Some(10), Some(20)], [Some(10), Some(20)]);
    let back = 54_400;
    let at = |ahead: i128| held(&input(functions(), back + ahead));
    assert_eq!(at(19_200), [Some(10), Some(20)], "fits: nothing is touched");
    assert_eq!(at(19_199), [Some(10), Some(19)], "b has the dearer excess");
    // b at its floor: 6000 + 5 · 660 = 9300.
    assert_eq!(at(9_300), [Some(10), Some(5)]);
    assert_eq!(at(9_299), [Some(9), Some(5)]);
    // Both at their floors: 3000 + 3300 = 6300.
    assert_eq!(at(6_300), [Some(5), Some(5)]);
    assert_eq!(at(6_299), [Some(5), Some(4)]);
    assert_eq!(at(3_000), [Some(5), Some(0)]);
    assert_eq!(at(600), [Some(1), Some(0)]);
    assert_eq!(at(599), [Some(0), Some(0)]);
    assert_eq!(at(-50_000), [Some(0), Some(0)]);
    let mut floor_wins = input(functions(), back - 50_000);
    floor_wins.floor_wins = true;
    assert_eq!(held(&floor_wins), [Some(5), Some(5)]);
}

#[test]
fn equal_excess_shrinks_in_the_order_of_names() {
    let names: [FunctionName; 2] = ["z".into(), "a".into()];
    let unit = unit(100, 0);
    let one = |i: usize| BarrierFunction {
        function: &names[i],
        unit: &unit,
        timeout_s: 3,
        current: Some(0),
        wanted: Some(8),
        floor: 5,
    };
    let hold = ceilings(&input(vec![one(0), one(1)], 16 * 600 - 1));
    let expected = [("z", Some(8)), ("a", Some(7))];
    assert_eq!(hold, expected.map(|(name, hold)| Ceiling { function: name.into(), hold }));
}

#[test]
fn a_reservation_below_the_floor_is_not_raised() {
    let two = Two::new();
    // a wants 3, below its floor of 5: ahead 1800 + 3300.
    let functions = || two.functions([Some(0), Some(0)], [Some(3), Some(5)]);
    assert_eq!(held(&input(functions(), 5_100)), [Some(3), Some(5)]);
    // Neither has an excess: a goes first, and 1,799 still buy two of b.
    assert_eq!(held(&input(functions(), 1_799)), [Some(0), Some(2)]);
}

#[test]
fn functions_leave_the_pool_for_a_ceiling_of_their_own() {
    let two = Two::new();
    let functions = || two.functions([Some(0), Some(0)], [None, None]);
    // All in the pool: 100 · 660 = 66,000.
    let at = |ahead: i128| held(&input(functions(), ahead));
    assert_eq!(at(66_000), [None, None]);
    // b leaves: the pool at 600 is 60,000; 5,999 buy nine of b's 660.
    assert_eq!(at(65_999), [None, Some(9)]);
    assert_eq!(at(63_300), [None, Some(5)]);
    // a leaves, too: b's floor 3300; of the room of 90, 5 are b's, so 85 at most.
    assert_eq!(at(63_299), [Some(85), Some(5)]);
    assert_eq!(at(3_300 + 60 * 600), [Some(60), Some(5)]);
    assert_eq!(at(0), [Some(0), Some(0)]);
}

#[test]
fn without_room_for_the_floor_only_zero_is_left() {
    let two = Two::new();
    let mut cramped = input(two.functions([Some(0), Some(0)], [None, None]), 59_999);
    cramped.room = 4;
    assert_eq!(held(&cramped), [Some(0), Some(0)]);
    cramped.remaining = picos(60_000);
    assert_eq!(held(&cramped), [None, Some(0)], "the pool at a's price");
    cramped.floor_wins = true;
    cramped.remaining = Usd::ZERO;
    assert_eq!(held(&cramped), [None, None]);
    cramped.floor_wins = false;
    cramped.room = 5;
    cramped.remaining = picos(63_300);
    assert_eq!(held(&cramped), [None, Some(5)], "room for exactly one floor");
}

// ---- the adversary ----

/// A function of the small world.
#[derive(Clone, Debug)]
struct Victim {
    name: FunctionName,
    unit: UnitCost,
    timeout_s: u32,
    wanted: Option<u32>,
    floor: u32,
}

/// What the adversary does: as much as possible, or whatever the dice said.
#[derive(Clone, Debug)]
enum Adversary {
    /// Fills every slot with the longest invocations and asks ten times a second, from the given second on.
    Greedy { from: i64 },
    /// Anything, by these bytes in turn.
    Random { dice: Vec<u8> },
}

#[derive(Clone, Debug)]
struct World {
    victims: Vec<Victim>,
    pool: u32,
    /// How the world really is. Each delay is at most this.
    truth: Timing,
    adversary: Adversary,
}

/// Invocations that began and end together.
struct Batch {
    victim: usize,
    end: i64,
    busy: u32,
    cost: Usd,
}

/// One run: what happens second by second.
struct Run<'a> {
    world: &'a World,
    assumed: Timing,
    amount: Usd,
    batches: Vec<Batch>,
    /// Ceilings commanded, with the second and the second of their effect.
    commands: Vec<(i64, i64, Vec<Option<u32>>)>,
    rolls: usize,
}

const SECONDS: i64 = 70;

impl<'a> Run<'a> {
    /// The money spent in the end, all of it, also what runs longer than the test.
    fn spend(world: &'a World, assumed: Timing, amount: Usd) -> Usd {
        let wanted = world.victims.iter().map(|victim| victim.wanted).collect();
        let mut run = Run {
            world,
            assumed,
            amount,
            batches: vec![],
            commands: vec![(i64::MIN, i64::MIN, wanted)],
            rolls: 0,
        };
        for now in 0..SECONDS {
            if now % i64::from(world.truth.tick_s) == 0 {
                run.tick(now);
            }
            run.attack(now);
        }
        run.batches.iter().map(|batch| batch.cost).sum()
    }

    fn roll(&mut self, most: u32) -> u32 {
        let Adversary::Random { dice } = &self.world.adversary else { return most };
        self.rolls += 1;
        // Twice in three times the extreme: the middle breaks nothing.
        match dice[self.rolls % dice.len()] {
            roll @ 0..86 => u32::from(roll) % (most + 1),
            86..100 => 0,
            _ => most,
        }
    }

    fn barrier(&self, now: i64, known: Usd) -> BarrierInput<'_> {
        let functions = self.world.victims.iter().enumerate().map(|(i, victim)| {
            let start = now - i64::try_from(memory_s(&self.assumed, victim.timeout_s)).unwrap();
            let before = self.commands.iter().rposition(|(at, _, _)| *at <= start).unwrap_or(0);
            let recent: Vec<Option<u32>> =
                self.commands[before..].iter().map(|(_, _, hold)| hold[i]).collect();
            let current = if recent.contains(&None) { None } else { recent.into_iter().max().flatten() };
            BarrierFunction {
                function: &victim.name,
                unit: &victim.unit,
                timeout_s: victim.timeout_s,
                current,
                wanted: victim.wanted,
                floor: victim.floor,
            }
        });
        BarrierInput {
            remaining: self.amount - known,
            functions: functions.collect(),
            pool: self.world.pool,
            room: self.world.pool / 2,
            timing: self.assumed,
            floor_wins: false,
        }
    }

    /// The guard looks at what has been visible for the lag, and commands; the effect comes when it comes.
    fn tick(&mut self, now: i64) {
        let lag = i64::from(self.world.truth.metric_lag_s);
        let known = self.batches.iter().filter(|batch| batch.end <= now - lag).map(|batch| batch.cost).sum();
        let hold = ceilings(&self.barrier(now, known)).into_iter().map(|ceiling| ceiling.hold).collect();
        let delay = i64::from(self.roll(self.world.truth.actuation_s));
        let earliest = self.commands.last().map_or(now, |(_, effect, _)| *effect);
        self.commands.push((now, earliest.max(now + delay), hold));
    }

    fn running(&self, now: i64, of: impl Fn(usize) -> bool) -> u32 {
        self.batches.iter().filter(|batch| batch.end > now && of(batch.victim)).map(|batch| batch.busy).sum()
    }

    /// Starts invocations: busy ones within the ceilings in force, the pool and the account; others ten a second.
    fn attack(&mut self, now: i64) {
        if matches!(self.world.adversary, Adversary::Greedy { from } if now < from) {
            return;
        }
        let in_force = self.commands.iter().rev().find(|(_, effect, _)| *effect <= now).unwrap().2.clone();
        let pool = self.world.pool;
        let mut pool_requests = 10 * pool;
        let mut order: Vec<usize> = (0..self.world.victims.len()).collect();
        order.sort_by_key(|i| per_concurrency_second(&self.world.victims[*i].unit));
        for i in order.into_iter().rev() {
            let victim = &self.world.victims[i];
            let (slots, requests) = match in_force[i] {
                Some(ceiling) => (ceiling.saturating_sub(self.running(now, |v| v == i)), 10 * ceiling),
                None => (pool.saturating_sub(self.running(now, |v| in_force[v].is_none())), pool_requests),
            };
            let slots = slots.min(pool.saturating_sub(self.running(now, |_| true)));
            let busy = self.roll(slots);
            let duration = self.roll(victim.timeout_s - 1) + 1;
            let each = victim.unit.compute(0, u64::from(duration) * 1_000_000) + victim.unit.per_request;
            let end = now + i64::from(duration);
            self.batches.push(Batch { victim: i, end, busy, cost: each * i128::from(busy) });
            let quick = self.roll(requests.saturating_sub(busy));
            let cost = victim.unit.per_request * i128::from(quick);
            self.batches.push(Batch { victim: i, end: now, busy: 0, cost });
            if in_force[i].is_none() {
                pool_requests -= (busy + quick).min(pool_requests);
            }
        }
    }
}

fn victim(index: usize) -> impl Strategy<Value = Victim> {
    let wanted = prop_oneof![Just(None), (1..8_u32).prop_map(Some)];
    (1..50_i128, 0..6_i128, 1..6_u32, wanted, 0..4_u32).prop_map(
        move |(busy, request, timeout_s, wanted, floor)| Victim {
            name: FunctionName::new(format!("f{index}")),
            unit: unit(busy, request),
            timeout_s,
            wanted,
            floor,
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let adversary = prop_oneof![
        2 => (0..40_i64).prop_map(|from| Adversary::Greedy { from }),
        1 => prop::collection::vec(any::<u8>(), 5..60).prop_map(|dice| Adversary::Random { dice }),
    ];
    let victims = prop_oneof![
        victim(0).prop_map(|a| vec![a]),
        (victim(0), victim(1)).prop_map(|(a, b)| vec![a, b]),
        (victim(0), victim(1), victim(2)).prop_map(|(a, b, c)| vec![a, b, c]),
    ];
    (victims, 24..32_u32, (0..9_u32, 1..6_u32, 0..4_u32), adversary).prop_map(
        |(victims, pool, (lag, tick, actuation), adversary)| World {
            victims,
            pool,
            truth: timing(lag, tick, actuation),
            adversary,
        },
    )
}

/// The worst case of the ceilings in force at the start: less than this no barrier can guarantee.
fn least_amount(world: &World) -> Usd {
    let wanted: Vec<Option<u32>> = world.victims.iter().map(|victim| victim.wanted).collect();
    let commands = vec![(i64::MIN, i64::MIN, wanted)];
    let run = Run { world, assumed: world.truth, amount: Usd::ZERO, batches: vec![], commands, rolls: 0 };
    earlier(&run.barrier(0, Usd::ZERO))
}

proptest! {
    #[test]
    fn no_adversary_crosses_the_line_while_the_barrier_stands(world in world(), extra_percent in 0..400_i128) {
        let amount = least_amount(&world).mul_div_up(100 + extra_percent, 100);
        let spent = Run::spend(&world, world.truth, amount);
        prop_assert!(spent <= amount, "spent {} of {}", spent.picos(), amount.picos());
    }

    #[test]
    fn more_money_never_gives_a_smaller_ceiling(
        world in world(), remaining in 0..200_000_i128, more in 0..20_000_i128,
        room in 0..40_u32, floor_wins: bool,
    ) {
        let wanted: Vec<Option<u32>> = world.victims.iter().map(|victim| victim.wanted).collect();
        let commands = vec![(i64::MIN, i64::MIN, wanted)];
        let run = Run { world: &world, assumed: world.truth, amount: Usd::ZERO, batches: vec![], commands, rolls: 0 };
        let poor = BarrierInput { remaining: picos(remaining), room, floor_wins, ..run.barrier(0, Usd::ZERO) };
        let rich = BarrierInput { remaining: picos(remaining + more), ..poor.clone() };
        for (less, more) in held(&poor).into_iter().zip(held(&rich)) {
            prop_assert!(more.unwrap_or(u32::MAX) >= less.unwrap_or(u32::MAX));
        }
        // And what is held fits, unless nothing smaller is allowed.
        let hold = held(&poor);
        let fits = barrier_worst_case(&poor, &hold) <= poor.remaining;
        let at_the_end = hold.iter().zip(&poor.functions).all(|(hold, function)| match (hold, floor_wins) {
            (Some(hold), true) => *hold == function.floor.min(function.wanted.unwrap_or(u32::MAX)),
            (Some(hold), false) => *hold == 0,
            (None, floor_wins) => floor_wins,
        });
        prop_assert!(fits || at_the_end);
    }
}

/// One greedy attacker on one function: lag 8 s, a tick a second, no actuation delay, time-out 1 s.
fn one_victim() -> World {
    World {
        victims: vec![Victim {
            name: "f".into(),
            unit: unit(10, 0),
            timeout_s: 1,
            wanted: Some(4),
            floor: 0,
        }],
        pool: 30,
        truth: timing(8, 1, 0),
        adversary: Adversary::Greedy { from: 3 },
    }
}

#[test]
fn the_same_adversary_crosses_the_line_where_the_lag_is_twice_what_was_assumed() {
    let world = one_victim();
    let half = timing(4, 1, 0);
    let broken = |assumed: Timing| {
        (500..1000).filter(|amount| Run::spend(&world, assumed, picos(*amount)) > picos(*amount)).count()
    };
    assert_eq!(broken(world.truth), 0);
    assert!(broken(half) > 400, "{}", broken(half));
}

#[test]
fn the_barrier_lets_nearly_all_of_a_large_amount_be_used() {
    // 4 · 10 a second from second 3 to 69 would be 2,680; 2,000 are there.
    let spent = Run::spend(&one_victim(), one_victim().truth, picos(2_000));
    assert!(spent > picos(1_900) && spent <= picos(2_000), "{}", spent.picos());
    let rich = Run::spend(&one_victim(), one_victim().truth, picos(4_000));
    assert_eq!(rich, picos(2_680), "nothing is touched while the worst case fits");
}

#[test]
fn long_invocations_of_one_function_leave_no_money_for_another() {
    let victim = |name: &str, busy, timeout_s, wanted| Victim {
        name: name.into(),
        unit: unit(busy, 0),
        timeout_s,
        wanted: Some(wanted),
        floor: 0,
    };
    for (lag, tick) in [(0, 1), (0, 3), (4, 1), (4, 5)] {
        for (slow, quick) in [(4, 4), (1, 20), (8, 2)] {
            let world = World {
                victims: vec![victim("slow", 10, 9, slow), victim("quick", 9, 1, quick)],
                pool: 30,
                truth: timing(lag, tick, 0),
                adversary: Adversary::Greedy { from: 0 },
            };
            let least = least_amount(&world);
            for amount in (0..60).map(|extra| least + picos(extra * 35)) {
                assert!(Run::spend(&world, world.truth, amount) <= amount);
            }
        }
    }
}
