//! The phases of a flight: stand, taxi, take-off, climb, cruise, descent, landing, taxi, stand. Speed changes linearly
//! in every phase, so distance and altitude are closed-form functions of the time since the flight began.

/// The performance of an aircraft, in SI units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Performance {
    /// Ground speed at cruise altitude.
    pub(super) cruise_speed: f64,
    /// Altitude above sea level.
    pub(super) cruise_altitude: f64,
    /// Speed at which it leaves the ground.
    pub(super) rotation_speed: f64,
    /// Mean rate over the whole climb; the first minutes have twice this rate.
    pub(super) climb_rate: f64,
    /// Mean rate over the whole descent.
    pub(super) descent_rate: f64,
    /// Seconds from the stand to the runway.
    pub(super) taxi_time: f64,
}

/// Seconds at the stand, both before and after the flight.
const STAND_TIME: f64 = 20.0;
/// Seconds on the runway.
const ROLL_TIME: f64 = 35.0;
const TAXI_SPEED: f64 = 6.0;
/// Maximum fraction of the distance spent on climb and descent, so that some level flight remains in between.
const SLOPES: f64 = 0.85;
/// Fraction of the descent at a constant rate; the rest is steepest in the middle and ends gently.
const STEADY_DESCENT: f64 = 0.35;

#[derive(Clone, Copy, Debug)]
struct Phase {
    seconds: f64,
    from_speed: f64,
    to_speed: f64,
    height: Height,
}

#[derive(Clone, Copy, Debug)]
enum Height {
    Ground,
    Climbing,
    Level,
    Descending,
}

/// The speed and altitude profile of one flight.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    phases: [Phase; 9],
    cruise_altitude: f64,
}

/// The state of a flight at one moment, in SI units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment {
    /// Distance from the departure stand.
    pub(super) distance: f64,
    /// Ground speed.
    pub(super) speed: f64,
    /// Altitude above sea level.
    pub(super) altitude: f64,
    /// Positive when climbing.
    pub(super) vertical_rate: f64,
    /// Whether it is standing or rolling.
    pub(super) on_ground: bool,
}

impl Profile {
    /// Computes the profile over `length` metres between airfields at these elevations.
    pub(super) fn new(performance: Performance, length: f64, (from, to): (f64, f64)) -> Self {
        let Performance { cruise_speed, cruise_altitude, rotation_speed, climb_rate, descent_rate, taxi_time } =
            performance;
        let slope = |seconds: f64, speed: f64| seconds * (rotation_speed + speed) / 2.0;
        let ground = 1.5 * taxi_time * TAXI_SPEED + ROLL_TIME * (rotation_speed + TAXI_SPEED);
        let airborne = (length - ground).max(1_000.0);

        // Short flights are lower and slower, with the same shape.
        let (climb, descent) = (cruise_altitude / climb_rate, cruise_altitude / descent_rate);
        let scale = (SLOPES * airborne / slope(climb + descent, cruise_speed)).min(1.0);
        let cruise_altitude = (cruise_altitude * scale).max(from.max(to) + 300.0);
        // From a low field to a high one the climb takes longer, and the speed is reduced to fit it into the distance.
        let climb = (scale * climb).max((cruise_altitude - from) / climb_rate);
        let descent = (scale * descent).max((cruise_altitude - to) / descent_rate);
        let fitting_speed = 2.0 * SLOPES * airborne / (climb + descent) - rotation_speed;
        let cruise_speed = (rotation_speed + (cruise_speed - rotation_speed) * scale.sqrt()).min(fitting_speed);
        let cruise = (airborne - slope(climb + descent, cruise_speed)) / cruise_speed;

        let phase = |seconds, from_speed, to_speed, height| Phase { seconds, from_speed, to_speed, height };
        Self {
            phases: [
                phase(STAND_TIME, 0.0, 0.0, Height::Ground),
                phase(taxi_time, TAXI_SPEED, TAXI_SPEED, Height::Ground),
                phase(ROLL_TIME, TAXI_SPEED, rotation_speed, Height::Ground),
                phase(climb, rotation_speed, cruise_speed, Height::Climbing),
                phase(cruise, cruise_speed, cruise_speed, Height::Level),
                phase(descent, cruise_speed, rotation_speed, Height::Descending),
                phase(ROLL_TIME, rotation_speed, TAXI_SPEED, Height::Ground),
                phase(taxi_time / 2.0, TAXI_SPEED, TAXI_SPEED, Height::Ground),
                phase(STAND_TIME, 0.0, 0.0, Height::Ground),
            ],
            cruise_altitude,
        }
    }

    /// Returns the time from stand to stand, in seconds.
    pub(super) fn duration(&self) -> f64 {
        self.phases.iter().map(|phase| phase.seconds).sum()
    }

    /// Returns the times of take-off and touchdown, in seconds since the flight began.
    pub(super) fn airborne(&self) -> (f64, f64) {
        let until = |phases: &[Phase]| phases.iter().map(|phase| phase.seconds).sum();
        (until(&self.phases[..3]), until(&self.phases[..6]))
    }

    /// Returns the state `elapsed` seconds after the flight began, between airfields at these elevations.
    pub(super) fn at(&self, elapsed: f64, (from, to): (f64, f64)) -> Moment {
        let mut elapsed = elapsed.max(0.0);
        let mut distance = 0.0;
        let mut elevation = from;
        for phase in &self.phases {
            let mean = (phase.from_speed + phase.to_speed) / 2.0;
            if elapsed > phase.seconds {
                elapsed -= phase.seconds;
                distance += mean * phase.seconds;
                if let Height::Descending = phase.height {
                    elevation = to;
                }
                continue;
            }
            let part = elapsed / phase.seconds;
            let speed = phase.from_speed + (phase.to_speed - phase.from_speed) * part;
            let (altitude, vertical_rate, on_ground) = match phase.height {
                Height::Ground => (elevation, 0.0, true),
                Height::Level => (self.cruise_altitude, 0.0, false),
                Height::Climbing => {
                    let rise = self.cruise_altitude - from;
                    (from + rise * part * (2.0 - part), 2.0 * rise * (1.0 - part) / phase.seconds, false)
                }
                Height::Descending => {
                    let (left, drop) = (1.0 - part, self.cruise_altitude - to);
                    let shape = STEADY_DESCENT * left + (1.0 - STEADY_DESCENT) * left * left * (3.0 - 2.0 * left);
                    let steepness = STEADY_DESCENT + (1.0 - STEADY_DESCENT) * 6.0 * left * part;
                    (to + drop * shape, -drop * steepness / phase.seconds, false)
                }
            };
            distance += (phase.from_speed + speed) / 2.0 * elapsed;
            return Moment { distance, speed, altitude, vertical_rate, on_ground };
        }
        Moment { distance, speed: 0.0, altitude: to, vertical_rate: 0.0, on_ground: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JET: Performance = Performance {
        cruise_speed: 235.0,
        cruise_altitude: 11_277.6,
        rotation_speed: 75.0,
        climb_rate: 8.5,
        descent_rate: 7.3,
        taxi_time: 210.0,
    };

    proptest! {
        #[test]
        fn a_flight_covers_its_route_without_jumps(length in 50_000.0..15e6, fields in (0.0..2_600.0, 0.0..2_600.0)) {
            let profile = Profile::new(JET, length, fields);
            let end = profile.at(profile.duration() + 1.0, fields);
            prop_assert!((end.distance - length).abs() < 1.0, "{} of {length}", end.distance);

            let seconds = profile.duration() as usize + 2;
            let mut before = profile.at(0.0, fields);
            for second in 1..seconds {
                let now = profile.at(second as f64, fields);
                let (moved, climbed) = (now.distance - before.distance, now.altitude - before.altitude);
                prop_assert!((0.0..=JET.cruise_speed + 0.1).contains(&moved), "{moved} m at {second} s");
                prop_assert!(climbed.abs() < 20.0, "{climbed} m at {second} s");
                let mean = (now.vertical_rate + before.vertical_rate) / 2.0;
                if before.on_ground == now.on_ground {
                    prop_assert!((climbed - mean).abs() < 10.0, "{climbed} m at {mean} m/s, {second} s");
                }
                before = now;
            }
        }
    }

    #[test]
    fn a_long_flight_cruises_at_its_altitude_and_speed() {
        let profile = Profile::new(JET, 2e6, (100.0, 0.0));
        let middle = profile.at(profile.duration() / 2.0, (100.0, 0.0));
        assert_eq!((middle.altitude, middle.speed, middle.vertical_rate), (11_277.6, 235.0, 0.0));
        let (take_off, touchdown) = profile.airborne();
        let on_ground = |elapsed| profile.at(elapsed, (100.0, 0.0)).on_ground;
        assert!(on_ground(take_off - 1.0) && !on_ground(take_off + 1.0));
        assert!(!on_ground(touchdown - 1.0) && on_ground(touchdown + 1.0));
    }
}
