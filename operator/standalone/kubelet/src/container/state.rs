//! How the states of a container follow each other. Pure but for the clock.
//!
//! ```text
//! Waiting --begin--> Waiting --(process)--> Running --rest--> Terminated --begin--> Waiting ...
//!                                                                 '--back_off--> Waiting CrashLoopBackOff --begin--> ...
//! ```

use jiff::Timestamp;

use super::{Current, State, Terminated};

/// Why a container waits that nothing hinders.
const CREATING: &str = "ContainerCreating";

impl State {
    /// The state of one that is about to start; `earlier` is what was before this run of the kubelet.
    pub(crate) fn first(earlier: Option<&(u32, Terminated)>) -> Self {
        Self {
            current: Current::Waiting { reason: CREATING, message: None },
            last: earlier.map(|(_, ended)| ended.clone()),
            restarts: earlier.map_or(0, |(restarts, _)| *restarts),
            started: false,
            ready: false,
            remark: None,
            over: false,
        }
    }

    /// It is about to start for the n-th time, counted from 0.
    pub(super) fn begin(&mut self, number: u32) {
        if let Current::Terminated(ended) = &self.current {
            self.last = Some(ended.clone());
        }
        // What kept it from starting before stays in sight until it runs.
        if !matches!(self.current, Current::Waiting { reason: "RunContainerError", .. }) {
            self.current = Current::Waiting { reason: CREATING, message: None };
        }
        self.restarts = number;
    }

    /// A run has ended, or a start has failed.
    pub(super) fn rest(&mut self, ended: Terminated) {
        (self.started, self.ready, self.remark) = (false, false, None);
        if ended.id.is_some() {
            self.current = Current::Terminated(ended);
        } else {
            self.last = Some(ended);
        }
    }

    /// It waits before the next start. The first failed start is still told instead.
    pub(super) fn back_off(&mut self, message: String) {
        match &self.current {
            Current::Terminated(ended) => self.last = Some(ended.clone()),
            Current::Waiting { reason: "RunContainerError", .. } if self.restarts == 0 => return,
            _ => {}
        }
        self.current = Current::Waiting { reason: "CrashLoopBackOff", message: Some(message) };
    }

    /// Nothing more will happen.
    pub(super) fn finish(&mut self) {
        (self.started, self.ready, self.over) = (false, false, true);
        if let (Current::Waiting { .. }, Some(last)) = (&self.current, &self.last) {
            self.current = Current::Terminated(last.clone());
            self.last = None;
        }
    }
}

impl Terminated {
    /// A start that failed.
    pub(super) fn not_started(run: u32, message: String) -> Self {
        let now = Timestamp::now();
        Self {
            id: None,
            run,
            exit_code: 128,
            signal: None,
            reason: "StartError",
            message: Some(message),
            started_at: now,
            finished_at: now,
        }
    }

    /// A run that an earlier kubelet did not see end.
    pub(crate) fn unseen(run: u32, id: Option<String>, started_at: Timestamp) -> Self {
        Self {
            id,
            run,
            exit_code: 255,
            signal: None,
            reason: "Unknown",
            message: None,
            started_at,
            finished_at: Timestamp::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(run: u32) -> Terminated {
        let unseen = Terminated::unseen(run, Some("process://1.1".into()), Timestamp::UNIX_EPOCH);
        Terminated { reason: "Error", exit_code: 1, finished_at: Timestamp::UNIX_EPOCH, ..unseen }
    }

    fn run(state: &mut State, number: u32) {
        state.begin(number);
        let id = "process://1.1".to_owned();
        state.current = Current::Running { id, run: number, since: Timestamp::UNIX_EPOCH };
        (state.started, state.ready) = (true, true);
    }

    #[test]
    fn an_end_is_shown_until_the_next_start_and_then_as_the_last() {
        let mut state = State::first(None);
        run(&mut state, 0);
        state.rest(ended(0));
        assert_eq!((&state.current, state.ready), (&Current::Terminated(ended(0)), false));
        state.back_off("wait".into());
        assert!(matches!(state.current, Current::Waiting { reason: "CrashLoopBackOff", .. }));
        assert_eq!((state.last.clone(), state.restarts), (Some(ended(0)), 0));
        run(&mut state, 1);
        assert_eq!((state.last, state.restarts), (Some(ended(0)), 1));
    }

    #[test]
    fn the_first_failed_start_stays_in_sight_and_later_ones_are_a_crash_loop() {
        let mut state = State::first(None);
        state.begin(0);
        state.current = Current::Waiting { reason: "RunContainerError", message: None };
        state.rest(Terminated::not_started(0, "no such file".into()));
        state.back_off("wait".into());
        assert!(matches!(state.current, Current::Waiting { reason: "RunContainerError", .. }));
        state.begin(1);
        state.rest(Terminated::not_started(1, "no such file".into()));
        state.back_off("wait".into());
        assert!(matches!(state.current, Current::Waiting { reason: "CrashLoopBackOff", .. }));
        assert_eq!(state.last.map(|last| (last.reason, last.exit_code)), Some(("StartError", 128)));
    }

    #[test]
    fn one_that_is_told_to_end_while_it_waits_ends_as_it_did_before() {
        let mut state = State::first(None);
        run(&mut state, 0);
        state.rest(ended(0));
        state.back_off("wait".into());
        state.finish();
        assert_eq!((&state.current, state.over), (&Current::Terminated(ended(0)), true));
    }
}
