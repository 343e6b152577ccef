//! The decision of DoW Guard: what a Lambda bill costs, where it is going, and what to do about it.
//!
//! Pure: nothing here waits, reads a clock or the environment, rolls dice, logs or touches a network. Time and
//! observations arrive as arguments, decisions leave as values, each with its reason.
//!
//! A flood, and what the guard makes of it:
//!
//! ```
//! use chrono::{TimeZone, Utc};
//! use guard_core::inventory::{AccountLimits, Function, Inventory};
//! use guard_core::observation::{Observation, Point, Series};
//! use guard_core::plan::{Setting, Verdict};
//! use guard_core::policy::Policy;
//! use guard_core::pricing::PriceTable;
//! use guard_core::roster::Roster;
//! use guard_core::state::State;
//! use guard_core::time::Minute;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::from_toml(
//!     "armed = true\n[[budget]]\nname = \"day\"\nperiod = \"day\"\nusd = 5\nmode = \"cap\"",
//! )?;
//! let shop = Function::new("shop", 1024, 10);
//! let inventory = Inventory::new("us-east-1", AccountLimits::default(), vec![shop]);
//! let roster = Roster::new(policy, PriceTable::embedded(), inventory, None);
//!
//! // Ten minutes of 1,000 environments busy all the time, up to three minutes ago.
//! let at = Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).single().ok_or("no such time")?;
//! let now = Minute::of(at);
//! let busy = Point { invocations: 120_000, duration_us: 60_000_000_000, concurrency_max: 1000, ..Point::default() };
//! let minutes: Vec<_> = (3..13).rev().map(|age| (now.plus(-age), busy)).collect();
//! let seen = Observation {
//!     from: now.plus(-30),
//!     region: Series::fresh(minutes.clone()),
//!     functions: vec![("shop".into(), Series::fresh(minutes))],
//!     ..Observation::blind(at)
//! };
//! let mut state = State::new();
//! let plan = guard_core::tick(&roster, &mut state, &seen);
//!
//! assert_eq!(plan.budgets[0].verdict, Verdict::BreachedAct);
//! let cap = &plan.actions[0];
//! assert_eq!((cap.function.as_str(), cap.change.to()), ("shop", Setting::Concurrency(Some(5))));
//! // The same in words, for whoever is woken by it.
//! println!("{}", guard_core::report::action(cap, plan.armed));
//! # Ok(())
//! # }
//! ```

pub mod alert;
pub mod amplification;
pub mod barrier;
pub mod baseline;
pub mod bound;
pub mod budget;
pub mod cost;
pub mod exposure;
pub mod extras;
pub mod forecast;
pub mod inventory;
pub mod ledger;
pub mod levers;
pub mod money;
pub mod name;
pub mod observation;
pub mod operator;
pub mod plan;
pub mod planner;
pub mod policy;
pub mod posting;
pub mod pricing;
pub mod report;
pub mod roster;
pub mod safety;
pub mod sampling;
pub mod settle;
pub mod starts;
pub mod state;
pub mod text;
pub mod time;

pub use self::planner::{Begun, tick};
