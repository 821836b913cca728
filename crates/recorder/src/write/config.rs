//! Writes the configuration of a phone: a line for each field.

use super::account;
use crate::names::{REDIRECT_POLICIES, REFER_POLICIES, RENEGOTIATE_BY, name_of};
use crate::text::{At, Seconds, word, yes};
use offhook::{Config, Instant, Limits, RegistrationPolicy, TransactionTimes};
use std::fmt::{Display, Write};
use std::time::Duration;

pub(super) fn write(
    out: &mut String,
    config: &Config,
    seed: &[u8; 32],
    times: (Instant, Duration),
) -> Option<()> {
    let mut line = |key: &str, value: &dyn Display| {
        let _ = writeln!(out, "  {key} {value}");
    };
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    line("start", &At(times.0));
    line("made", &Seconds(times.1));
    line("seed", &hex);
    line("user-agent", &word(&config.user_agent));
    line("call-limit", &config.call_limit);
    line("no-answer", &Seconds(config.no_answer));
    line("media-timeout", &Seconds(config.media_timeout));
    line("refer-policy", &name_of(REFER_POLICIES, &config.refer_policy)?);
    line("reliable-provisional", &yes(config.reliable_provisional));
    line("renegotiate-by", &name_of(RENEGOTIATE_BY, &config.renegotiate_by)?);
    line("media-legs", &config.media_legs);
    line("redirect-policy", &name_of(REDIRECT_POLICIES, &config.redirect_policy)?);
    config.info_packages.iter().for_each(|package| line("info-package", &word(package)));
    let TransactionTimes { t1, t2, t4, .. } = config.times;
    line("times", &format_args!("t1={} t2={} t4={}", Seconds(t1), Seconds(t2), Seconds(t4)));
    let RegistrationPolicy {
        first_wait,
        longest_wait,
        connect_timeout,
        keep_alive,
        pong_timeout,
        flood_budget,
        ..
    } = config.registration;
    line(
        "registration",
        &format_args!(
            "first-wait={} longest-wait={} connect-timeout={} keep-alive={} pong-timeout={} flood-budget={flood_budget}",
            Seconds(first_wait),
            Seconds(longest_wait),
            Seconds(connect_timeout),
            Seconds(keep_alive),
            Seconds(pong_timeout),
        ),
    );
    let Limits { message, head, headers } = config.limits;
    line("limits", &format_args!("message={message} head={head} headers={headers}"));
    line("trace", &config.trace);
    config.accounts.iter().try_for_each(|one| account::write(out, one))
}
