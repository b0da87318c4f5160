//! Hours and recurring times, in a time zone: when an app may be worked in, and when something is done again.
//!
//! Both are written as people write them and kept as that text. What the clocks of a place do twice a year is the time zone's matter: a
//! time that a day does not have is the one after the gap, one that it has twice is the first.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The text says no hours, or no recurring times.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// It is not written so.
    #[error(
        "`{0}` is not understood: write days, hours and a time zone, as in \"Mon-Fri 08:00-18:00, Sat 09:00-12:00 Europe/Berlin\""
    )]
    Hours(String),
    /// Nobody knows the time zone.
    #[error("there is no time zone `{0}`; write it as in Europe/Berlin, or UTC")]
    Zone(String),
    /// It is no expression of `cron`.
    #[error(
        "`{text}` is not understood: write minute, hour, day, month, weekday and a time zone, as in \"0 6 * * Mon-Fri Europe/Berlin\" ({reason})"
    )]
    Cron {
        /// What was written.
        text: String,
        /// Why not.
        reason: String,
    },
}

/// The hours of a week, such as `Mon-Fri 08:00-18:00 Europe/Berlin`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkingHours {
    text: String,
    spans: Vec<Span>,
    zone: TimeZone,
}

/// Hours of one day of the week, in minutes since midnight; those that end before they begin end on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    /// From 0, Monday.
    weekday: i8,
    from: i64,
    until: i64,
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MINUTES_OF_DAY: i64 = 24 * 60;

impl WorkingHours {
    /// The hours that `at` is in, or else those that come next: their begin and their end.
    pub fn around(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        let always = (Timestamp::from_ms(i64::MIN), Timestamp::from_ms(i64::MAX));
        let Ok(moment) = jiff::Timestamp::from_millisecond(at.as_ms()) else { return always };
        let today = moment.to_zoned(self.zone.clone()).date();
        // From the days before, of which hours may last until now, to the same day of the next week.
        let days = (-2..=9).filter_map(|days| today.checked_add(jiff::Span::new().days(days)).ok());
        let mut hours: Vec<_> = days.flat_map(|day| self.of(day)).collect();
        hours.sort_unstable();
        let mut found: Option<(Timestamp, Timestamp)> = None;
        for (from, until) in hours.into_iter().filter(|(from, until)| from < until && *until > at) {
            match &mut found {
                None => found = Some((from, until)),
                // Hours that follow without a gap are one.
                Some((_, end)) if from <= *end => *end = until.max(*end),
                Some(_) => break,
            }
        }
        found.unwrap_or(always)
    }

    fn of(&self, day: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let weekday = day.weekday().to_monday_zero_offset();
        let spans = self.spans.iter().filter(move |span| span.weekday == weekday);
        spans.filter_map(move |span| {
            let until = if span.until > span.from { span.until } else { span.until + MINUTES_OF_DAY };
            Some((self.moment(day, span.from)?, self.moment(day, until)?))
        })
    }

    fn moment(&self, day: Date, minutes: i64) -> Option<Timestamp> {
        let day = day.checked_add(jiff::Span::new().days(minutes / MINUTES_OF_DAY)).ok()?;
        let (hour, minute) = (minutes % MINUTES_OF_DAY / 60, minutes % 60);
        let civil = day.at(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0);
        let zoned = self.zone.to_zoned(civil).ok()?;
        Some(Timestamp::from_ms(zoned.timestamp().as_millisecond()))
    }
}

impl fmt::Debug for WorkingHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkingHours({self})")
    }
}

impl fmt::Display for WorkingHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<WorkingHours> for String {
    fn from(hours: WorkingHours) -> Self {
        hours.text
    }
}

impl TryFrom<String> for WorkingHours {
    type Error = CalendarError;

    fn try_from(text: String) -> Result<Self, CalendarError> {
        text.parse()
    }
}

impl FromStr for WorkingHours {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let wrong = || CalendarError::Hours(text.to_owned());
        let (hours, zone) = text.trim().rsplit_once(' ').ok_or_else(wrong)?;
        if zone.contains(':') {
            return Err(wrong());
        }
        let mut spans = Vec::new();
        for part in hours.split(',') {
            let (days, times) = part.trim().split_once(' ').ok_or_else(wrong)?;
            let (from, until) = times.trim().split_once('-').ok_or_else(wrong)?;
            let (from, until) = (minutes(from).ok_or_else(wrong)?, minutes(until).ok_or_else(wrong)?);
            if from == until || from == MINUTES_OF_DAY {
                return Err(wrong());
            }
            let weekdays = weekdays(days).ok_or_else(wrong)?;
            spans.extend(weekdays.into_iter().map(|weekday| Span { weekday, from, until }));
        }
        let zone = TimeZone::get(zone).map_err(|_| CalendarError::Zone(zone.to_owned()))?;
        Ok(Self { text: text.trim().to_owned(), spans, zone })
    }
}

/// `Mon`, or `Fri-Mon`: the days of the week from 0, Monday.
fn weekdays(text: &str) -> Option<Vec<i8>> {
    let day = |name: &str| {
        let place = DAYS.iter().position(|day| day.eq_ignore_ascii_case(name.trim()))?;
        i8::try_from(place).ok()
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    let count = (last - first).rem_euclid(7);
    Some((0..=count).map(|days| (first + days) % 7).collect())
}

/// `08:00`: minutes since midnight, of which `24:00` is the last.
fn minutes(text: &str) -> Option<i64> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|_| is_number)
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= MINUTES_OF_DAY).then_some(minutes)
}

/// Recurring times, such as `0 6 * * Mon-Fri Europe/Berlin`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recurrence {
    text: String,
    crontab: cronexpr::Crontab,
}

impl PartialEq for Recurrence {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Recurrence {}

impl Recurrence {
    /// The first time after `at`; the end of time where there is none.
    pub fn after(&self, at: Timestamp) -> Timestamp {
        let at = cronexpr::MakeTimestamp::from_millisecond(at.as_ms());
        let next = at.and_then(|at| self.crontab.find_next(at));
        next.map_or(Timestamp::from_ms(i64::MAX), |next| {
            Timestamp::from_ms(next.timestamp().as_millisecond())
        })
    }
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Recurrence> for String {
    fn from(recurrence: Recurrence) -> Self {
        recurrence.text
    }
}

impl TryFrom<String> for Recurrence {
    type Error = CalendarError;

    fn try_from(text: String) -> Result<Self, CalendarError> {
        text.parse()
    }
}

impl FromStr for Recurrence {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let text = text.trim().to_owned();
        match cronexpr::parse_crontab(&text) {
            Ok(crontab) => Ok(Self { text, crontab }),
            Err(error) => {
                let reason = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
                Err(CalendarError::Cron { text, reason })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_ms(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn hours_are_those_that_are_or_come_next() {
        let check = |hours: &str, now: &str, expected: (&str, &str)| {
            let hours: WorkingHours = hours.parse().unwrap();
            assert_eq!(hours.around(at(now)), (at(expected.0), at(expected.1)), "{hours} at {now}");
        };
        let office = "Mon-Fri 08:00-18:00, Sat 09:00-12:00 Europe/Berlin";
        // 2026-11-27 is a Friday; Berlin is an hour ahead of UTC.
        check(office, "2026-11-27T12:00:00Z", ("2026-11-27T07:00:00Z", "2026-11-27T17:00:00Z"));
        check(office, "2026-11-27T07:00:00Z", ("2026-11-27T07:00:00Z", "2026-11-27T17:00:00Z"));
        check(office, "2026-11-27T17:00:00Z", ("2026-11-28T08:00:00Z", "2026-11-28T11:00:00Z"));
        check(office, "2026-11-28T11:00:00Z", ("2026-11-30T07:00:00Z", "2026-11-30T17:00:00Z"));
        // Over midnight, and over the end of the week.
        check(
            "Sun 22:00-06:00 UTC",
            "2026-11-30T05:59:59Z",
            ("2026-11-29T22:00:00Z", "2026-11-30T06:00:00Z"),
        );
        check(
            "fri-mon 22:00-24:00 UTC",
            "2026-12-01T00:00:00Z",
            ("2026-12-04T22:00:00Z", "2026-12-05T00:00:00Z"),
        );
        // One that follows another without a gap.
        check(
            "Mon 08:00-12:00, Mon 12:00-13:00 UTC",
            "2026-11-30T09:00:00Z",
            ("2026-11-30T08:00:00Z", "2026-11-30T13:00:00Z"),
        );
        // The day on which Berlin's clocks go from 02:00 to 03:00.
        check(
            "Sun 02:30-04:00 Europe/Berlin",
            "2026-03-28T12:00:00Z",
            ("2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z"),
        );
    }

    #[test]
    fn what_is_no_hours_is_refused_with_an_example() {
        for wrong in [
            "",
            "Mon",
            "08:00-18:00",
            "Mon 08:00-18:00",
            "Mon 8-18 UTC",
            "Mon 08:00-08:00 UTC",
            "Mon 24:00-08:00 UTC",
            "Mon 08:60-18:00 UTC",
            "Mon 08:00-25:00 UTC",
            "Today 08:00-18:00 UTC",
            "Mon 08:00-18:00; UTC",
            "Mon +8:00-18:00 UTC",
        ] {
            let error = wrong.parse::<WorkingHours>().unwrap_err();
            assert!(error.to_string().contains("Europe/Berlin"), "{wrong}: {error}");
        }
        let error = "Mon 08:00-18:00 Europe/Atlantis".parse::<WorkingHours>().unwrap_err();
        assert_eq!(error, CalendarError::Zone("Europe/Atlantis".to_owned()));
    }

    #[test]
    fn recurring_times_follow_their_zone() {
        let daily: Recurrence = "0 6 * * Mon-Fri Europe/Berlin".parse().unwrap();
        assert_eq!(daily.after(at("2026-11-27T04:59:59Z")), at("2026-11-27T05:00:00Z"));
        assert_eq!(daily.after(at("2026-11-27T05:00:00Z")), at("2026-11-30T05:00:00Z"));
        assert_eq!(daily.after(at("2026-07-01T12:00:00Z")), at("2026-07-02T04:00:00Z"), "summer");
        for wrong in ["", "daily", "0 6 * * *", "0 6 * * Mon-Fri Europe/Atlantis", "61 6 * * * UTC"] {
            let error = wrong.parse::<Recurrence>().unwrap_err().to_string();
            assert!(error.contains("Europe/Berlin") && !error.contains('\n'), "{wrong}: {error}");
        }
    }

    #[test]
    fn both_are_kept_as_they_are_written() {
        let hours: WorkingHours = "Mon-Fri 08:00-18:00 UTC".parse().unwrap();
        let kept = serde_json::to_string(&hours).unwrap();
        assert_eq!(kept, "\"Mon-Fri 08:00-18:00 UTC\"");
        assert_eq!(serde_json::from_str::<WorkingHours>(&kept).unwrap(), hours);
        assert!(serde_json::from_str::<WorkingHours>("\"at night\"").is_err());
        let daily: Recurrence = "0 6 * * * UTC".parse().unwrap();
        assert_eq!(
            serde_json::from_str::<Recurrence>(&serde_json::to_string(&daily).unwrap()).unwrap(),
            daily
        );
    }
}
