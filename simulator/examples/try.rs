use guard_core::pricing::PriceTable;
use simulator::run::{Terms, run};
use simulator::scenario::Scenario;
use simulator::stage::Stage;
use simulator::world::Cast;
fn main() {
    let file = std::env::args().nth(1).unwrap();
    let scenario = match Scenario::from_toml(&std::fs::read_to_string(&file).unwrap()) {
        Ok(s) => s,
        Err(e) => {
            eprintln!("{e}");
            return;
        }
    };
    let stage = Stage::new(&scenario, None).unwrap();
    let begin = std::time::Instant::now();
    let terms = |guarded, cast, minutes| Terms {
        scenario: &scenario,
        stage: &stage,
        policy: &scenario.policy,
        guarded,
        cast,
        seed: 1,
        minutes,
    };
    let with = run(&terms(true, Cast::Everyone, None), PriceTable::embedded(), |_| ());
    let without = run(&terms(false, Cast::Everyone, Some(with.minutes)), PriceTable::embedded(), |_| ());
    let perfect =
        run(&terms(false, Cast::LegitimateOnly, Some(with.minutes)), PriceTable::embedded(), |_| ());
    for t in &with.ticks {
        for n in &t.plan.notices {
            println!("{:5} {:?} {} {}", t.minute, n.kind, n.alarming, n.headline);
        }
        for o in &t.outcomes {
            println!("{:5}    {} {:?} {:?}", t.minute, o.function, o.change, o.result);
        }
    }
    for (name, r) in [("without", &without), ("with", &with), ("perfect", &perfect)] {
        println!(
            "{name}: {} minutes, {} attack {} repeated {} guard {}",
            r.minutes, r.bill.all, r.bill.attack, r.bill.repeated, r.bill.guard
        );
        for t in &r.traffic {
            println!("   {} {:?}", t.traffic, t.tally);
        }
        for p in &r.periods {
            println!("   {:?}", p);
        }
    }
    eprintln!("{:.2} s, {} steps", begin.elapsed().as_secs_f64(), with.steps + without.steps + perfect.steps);
}
