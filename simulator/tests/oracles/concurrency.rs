//! Blocking at a cap, busy environments without one, and cold starts.

use crate::{live, real, world};

/// Erlang's loss formula by its recursion: B(0) = 1, B(n) = aB(n-1) / (n + aB(n-1)).
fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |b, n| load * b / (f64::from(n) + load * b))
}

/// Four standard errors of a blocked share. Blocked arrivals cluster: the state is remembered for about a service
/// time, which is `load` arrivals to either side, so `arrivals` are worth `arrivals / (1 + 2 load)` independent ones.
fn margin(share: f64, arrivals: u64, load: f64) -> f64 {
    4.0 * (share * (1.0 - share) * (1.0 + 2.0 * load) / real(arrivals)).sqrt()
}

#[test]
fn the_refused_share_at_a_reservation_is_erlangs_whatever_the_law_of_durations() {
    for (servers, load) in [(5, 2.0), (5, 5.0), (10, 15.0)] {
        for duration in ["{ mean_ms = 1000 }", "{ constant_ms = 1000 }"] {
            let function =
                format!("reserved = {servers}\ninit_ms = 0\ntimeout_s = 900\nduration = {duration}");
            let traffic = format!("rate = {{ law = \"constant\", rps = {load:?} }}");
            let tally = live(&mut world(&function, &traffic, 1), 400);
            let expected = erlang_b(servers, load);
            let seen = real(tally.refused) / real(tally.offered);
            let margin = margin(expected, tally.offered, load);
            assert!(
                (seen - expected).abs() < margin,
                "{servers} {load} {duration}: {seen} {expected} {margin}"
            );
        }
    }
}

#[test]
fn below_every_limit_busy_environments_are_poisson_with_rate_times_mean() {
    for duration in ["{ mean_ms = 1000 }", "{ constant_ms = 1000 }"] {
        let function = format!("init_ms = 0\ntimeout_s = 900\nduration = {duration}");
        let mut world = world(&function, "rate = { law = \"constant\", rps = 20.0 }", 2);
        // One look a minute: sixty service times apart, so the looks are independent.
        let looks: Vec<f64> = (0..600)
            .map(|_| {
                live(&mut world, 1);
                f64::from(world.busy_in_all())
            })
            .collect();
        let mean = looks.iter().sum::<f64>() / 600.0;
        let variance = looks.iter().map(|busy| (busy - mean).powi(2)).sum::<f64>() / 599.0;
        // Four standard errors: of the mean sqrt(20/600), of the variance sqrt((20 + 2 * 20^2)/600).
        assert!((mean - 20.0).abs() < 4.0 * (20.0_f64 / 600.0).sqrt(), "{mean}");
        assert!((variance - 20.0).abs() < 4.0 * (820.0_f64 / 600.0).sqrt(), "{variance}");
    }
}

#[test]
fn cold_starts_are_as_rare_as_in_the_published_run_of_simfaas() {
    // SimFaaS (Mahmoudi and Khazaei, 2021): 0.9 arrivals a second, 1.991 s warm, 2.244 s cold, idle for 600 s at most,
    // newest instance first: 1,213 cold starts of 898,469 requests. Both are counts, so each has a deviation of about
    // its root; ours is a mean over four seeds. Three joint deviations: 3 * sqrt(1213 + 1213 / 4).
    let function = "timeout_s = 900\ninit_ms = 253\nidle_expiry_s = 600\nreuse = \"last_created\"\nduration = { mean_ms = 1991 }";
    let traffic = "rate = { law = \"constant\", rps = 0.9 }";
    let seeds = [1, 2, 3, 4];
    let rates = seeds.map(|seed| {
        // 898,469 requests at 0.9 a second.
        let tally = live(&mut world(function, traffic, seed), 16_638);
        real(tally.cold_starts) / real(tally.offered) * 898_469.0
    });
    let mean = rates.iter().sum::<f64>() / 4.0;
    let margin = 3.0 * (1213.0_f64 * 1.25).sqrt();
    assert!((mean - 1213.0).abs() < margin, "{mean} {rates:?} {margin}");
}
