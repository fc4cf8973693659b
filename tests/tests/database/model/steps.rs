//! The steps that a life is made of. A step names what it concerns by a number, counted from the newest, of what there is
//! when its turn comes: so a life is still one without some of its steps, and can be made shorter.

use rand::{Rng, rngs::StdRng, seq::SliceRandom};
use shared::application_status::ApplicationStatus::{self as Status, *};

use super::skyvern::Move;

/// How Skyvern answers a caller that asks for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkyvernAnswers {
    /// A run is started, and the caller hears of it.
    Yes,
    /// A run is started and the caller hears of it, but Skyvern does not list it for an hour.
    YesUnlisted,
    /// A run is started, and the caller does not hear of it.
    YesUnheard,
    /// The call does not arrive.
    Nothing,
    /// No.
    No,
    /// Not now: come again.
    Later,
    /// It was not even asked, because the caller found something missing.
    NotAsked,
}

/// What the address of a webhook says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// What the run was given.
    Whole,
    /// Only the application.
    WithoutSubmission,
    /// Nothing.
    Empty,
}

#[derive(Debug, Clone)]
pub enum Step {
    /// A person makes a draft.
    Draft {
        person: usize,
        posting: usize,
    },
    /// A person submits an application.
    Claim {
        application: usize,
        key: Option<u8>,
        again: bool,
    },
    /// A caller asks Skyvern for a run, or finds out about an earlier submission.
    Ask {
        caller: usize,
        answer: SkyvernAnswers,
    },
    /// A caller writes down what it knows, for the first time or again. Callers that never do have died.
    Report {
        caller: usize,
    },
    /// A run does something.
    Run {
        run: usize,
        next: Move,
    },
    /// Skyvern loses a run.
    Forget {
        run: usize,
    },
    /// A webhook arrives, for the first time or again.
    Deliver {
        webhook: usize,
        address: Address,
    },
    /// A webhook about a run that we did not start.
    Foreign {
        application: usize,
        address: Address,
    },
    /// A person says what became of an application.
    Decide {
        application: usize,
        status: Status,
    },
    Delete {
        application: usize,
    },
    Restore {
        application: usize,
    },
    Erase {
        application: usize,
    },
    CloseAccount {
        person: usize,
    },
    /// The job-runner runs, with Skyvern answering submissions in this way. It may die after so many calls.
    Background {
        answer: SkyvernAnswers,
        dies_after: Option<usize>,
    },
    /// Time passes.
    Wait {
        seconds: u64,
    },
    /// An operator has Skyvern left alone, or not any more.
    Pause {
        is_paused: bool,
    },
    /// Two calls at once. The first is held open until the second is done or waits for it, or both really run at once.
    Together {
        first: Box<Step>,
        second: Box<Step>,
        is_held: bool,
    },
}

impl Step {
    /// The same two calls, and either of them may be the first.
    fn either_way(self, random: &mut StdRng) -> Self {
        match self {
            Self::Together { first, second, is_held } if random.gen_bool(0.5) => {
                Self::Together { first: second, second: first, is_held }
            }
            step => step,
        }
    }
}

/// A life of about so many steps, which begins with applications. Half of it goes as it mostly does, with anything in
/// between: pure chance seldom gets far.
pub fn random_life(random: &mut StdRng, steps: usize) -> Vec<Step> {
    let mut life: Vec<Step> = (0..random.gen_range(1..4)).map(|_| draft(random)).collect();
    if random.gen_bool(0.3) {
        life.extend(twins(random));
    }
    while life.len() < steps {
        match random.gen_range(0..40) {
            0..=8 => life.extend(usual_course(random)),
            9 => life.extend(late_course(random)),
            10 => life.extend(spending(random)),
            11..=12 => life.extend(long_run(random)),
            _ => life.push(random_step(random)),
        }
    }
    life
}

/// An application is submitted, something comes of it, and it is put back to the start.
fn usual_course(random: &mut StdRng) -> Vec<Step> {
    let application = recent(random);
    let mut course = vec![
        Step::Decide { application, status: Draft },
        Step::Claim { application, key: None, again: random.gen_bool(0.3) },
        Step::Ask { caller: 0, answer: answer(random) },
    ];
    // Before its caller can write it down.
    if random.gen_bool(0.3) {
        let address = if random.gen_bool(0.5) { Address::Empty } else { address(random) };
        course.push(Step::Run { run: 0, next: next(random) });
        course.push(Step::Deliver { webhook: 0, address });
    }
    if random.gen_bool(0.2) {
        course.push(if random.gen_bool(0.5) { stop(random, application) } else { change(random) });
    }
    if random.gen_bool(0.3) {
        course.push(Step::Run { run: 0, next: next(random) });
    }
    course.push(contested(random, application, Step::Report { caller: 0 }));
    if random.gen_bool(0.25) {
        course.insert(1, Step::Pause { is_paused: true });
        course.push(Step::Pause { is_paused: false });
        course.push(Step::Wait { seconds: 900 });
        course.push(Step::Background { answer: answer(random), dies_after: None });
    }
    // The webhooks of what the run does, in any order.
    for _ in 0..random.gen_range(0..3) {
        course.push(Step::Run { run: 0, next: next(random) });
    }
    for _ in 0..random.gen_range(1..4) {
        let deliver = Step::Deliver { webhook: random.gen_range(0..3), address: Address::Whole };
        course.push(contested(random, application, deliver));
    }
    disturbed(random, course)
}

/// A caller is so late, and Skyvern's list too, that its submission counts as never started, and the next one is on.
fn late_course(random: &mut StdRng) -> Vec<Step> {
    let application = recent(random);
    let claim = Step::Claim { application, key: None, again: true };
    let mut course = vec![
        Step::Decide { application, status: Draft },
        claim.clone(),
        Step::Ask { caller: 0, answer: SkyvernAnswers::YesUnlisted },
        stop(random, application),
        Step::Wait { seconds: 150 },
    ];
    if random.gen_bool(0.5) {
        // The next caller finds nothing, while the first one writes down what it knows.
        course.push(claim.clone());
        course.push(Step::Ask { caller: 0, answer: SkyvernAnswers::Yes });
        course.push(Step::Together {
            first: Box::new(Step::Report { caller: 0 }),
            second: Box::new(Step::Report { caller: 1 }),
            is_held: true,
        });
    } else {
        course.push(Step::Background { answer: SkyvernAnswers::Yes, dies_after: None });
        course.push(Step::Decide { application, status: Draft });
    }
    course.extend([
        claim.clone(),
        Step::Ask { caller: 0, answer: SkyvernAnswers::Yes },
        Step::Together {
            first: Box::new(Step::Report { caller: random.gen_range(0..2) }),
            second: Box::new(Step::Report { caller: random.gen_range(0..2) }),
            is_held: random.gen_bool(0.6),
        },
        claim,
        Step::Report { caller: random.gen_range(0..3) },
        Step::Ask { caller: 0, answer: answer(random) },
        Step::Report { caller: random.gen_range(0..3) },
        Step::Run { run: random.gen_range(0..2), next: next(random) },
        Step::Deliver { webhook: 0, address: Address::Whole },
        Step::Report { caller: random.gen_range(0..3) },
    ]);
    disturbed(random, course)
}

/// A call that at times comes at the same moment as another one about the same application.
fn contested(random: &mut StdRng, application: usize, step: Step) -> Step {
    let other = match random.gen_range(0..12) {
        0 => Step::Decide { application, status: WithdrawnByUser },
        1 => Step::Decide { application, status: Draft },
        2 => Step::Delete { application },
        3 => Step::Deliver { webhook: 0, address: Address::Empty },
        _ => return step,
    };
    Step::Together { first: Box::new(other), second: Box::new(step), is_held: true }.either_way(random)
}

/// At times nobody wants it any more by then, and the cancellation is as early as the search.
fn stop(random: &mut StdRng, application: usize) -> Step {
    match random.gen_range(0..4) {
        0 => Step::Decide { application, status: WithdrawnByUser },
        1 => Step::Delete { application },
        _ => Step::Wait { seconds: 20 },
    }
}

/// A run that is tried again, stopped or overdue, and whose webhooks come in any order.
fn long_run(random: &mut StdRng) -> Vec<Step> {
    let application = recent(random);
    let runner = Step::Background { answer: SkyvernAnswers::Yes, dies_after: None };
    let mut course = vec![
        Step::Decide { application, status: Draft },
        Step::Claim { application, key: None, again: true },
        Step::Ask { caller: 0, answer: SkyvernAnswers::Yes },
        Step::Report { caller: 0 },
        Step::Run { run: 0, next: if random.gen_bool(0.5) { Move::FailsForNow } else { Move::Runs } },
        Step::Run { run: 0, next: Move::Runs },
    ];
    match random.gen_range(0..3) {
        0 => course.extend([Step::Wait { seconds: 7500 }, runner.clone(), runner]),
        1 => course.extend([Step::Delete { application }, runner]),
        _ => {}
    }
    course.push(Step::Run { run: 0, next: Move::Sends });
    for _ in 0..4 {
        course.push(Step::Deliver { webhook: random.gen_range(0..4), address: Address::Whole });
    }
    disturbed(random, course)
}

/// One application after the other, whether or not they wait, and whether or not they are erased.
fn spending(random: &mut StdRng) -> Vec<Step> {
    let is_paused = random.gen_bool(0.4);
    let mut course = vec![Step::Wait { seconds: 87_300 }, Step::Pause { is_paused }];
    for _ in 0..4 {
        course.push(Step::Draft { person: 0, posting: random.gen_range(0..2) });
        course.push(Step::Claim { application: 0, key: None, again: true });
        if !is_paused {
            course.push(Step::Ask { caller: 0, answer: SkyvernAnswers::Yes });
            course.push(Step::Report { caller: 0 });
            course.push(Step::Run { run: 0, next: Move::Fails });
            course.push(Step::Deliver { webhook: 0, address: Address::Whole });
            course.push(Step::Erase { application: 0 });
        }
    }
    course
}

/// Anything may happen in between, or instead.
fn disturbed(random: &mut StdRng, course: Vec<Step>) -> Vec<Step> {
    let mut life = Vec::new();
    for step in course {
        if random.gen_bool(0.15) {
            life.push(random_step(random));
        }
        if random.gen_bool(0.92) {
            life.push(step);
        }
    }
    life
}

/// Two applications for one posting, submitted at the same time.
fn twins(random: &mut StdRng) -> Vec<Step> {
    let draft = draft(random);
    let claim = |application| Box::new(Step::Claim { application, key: None, again: false });
    let together = Step::Together { first: claim(0), second: claim(1), is_held: random.gen_bool(0.6) };
    vec![draft.clone(), draft, together]
}

fn draft(random: &mut StdRng) -> Step {
    // Mostly of one person, and often for the same posting.
    Step::Draft { person: usize::from(random.gen_bool(0.25)), posting: usize::from(random.gen_bool(0.4)) }
}

fn random_step(random: &mut StdRng) -> Step {
    match random.gen_range(0..100) {
        0..=1 => draft(random),
        2..=14 => claim(random),
        15..=26 => Step::Ask { caller: recent(random), answer: answer(random) },
        27..=33 => Step::Report { caller: recent(random) },
        34..=46 => Step::Run { run: recent(random), next: next(random) },
        47 => Step::Forget { run: recent(random) },
        48..=60 => deliver(random),
        61 => Step::Foreign { application: recent(random), address: address(random) },
        62..=70 => change(random),
        71..=73 => Step::Pause { is_paused: random.gen_bool(0.4) },
        74..=82 => Step::Background {
            answer: answer(random),
            dies_after: random.gen_bool(0.25).then(|| random.gen_range(0..6)),
        },
        83..=90 => Step::Wait { seconds: *[20, 20, 61, 61, 150, 900, 7500, 87_300].choose(random).unwrap() },
        91 if random.gen_bool(0.2) => Step::CloseAccount { person: random.gen_range(0..2) },
        _ => Step::Together {
            first: Box::new(call(random)),
            second: Box::new(call(random)),
            is_held: random.gen_bool(0.6),
        },
    }
}

/// A step that is one call.
fn call(random: &mut StdRng) -> Step {
    match random.gen_range(0..10) {
        0..=2 => claim(random),
        3..=4 => Step::Report { caller: recent(random) },
        5..=7 => deliver(random),
        _ => change(random),
    }
}

fn claim(random: &mut StdRng) -> Step {
    let key = random.gen_bool(0.3).then(|| random.gen_range(0..3));
    Step::Claim { application: recent(random), key, again: random.gen_bool(0.25) }
}

fn deliver(random: &mut StdRng) -> Step {
    Step::Deliver { webhook: random.gen_range(0..5), address: address(random) }
}

/// What a person does to an application.
fn change(random: &mut StdRng) -> Step {
    let application = recent(random);
    match random.gen_range(0..20) {
        0..=13 => {
            let statuses = [
                Draft,
                Draft,
                Draft,
                Draft,
                Draft,
                PendingSkyvernSubmission,
                AppliedManually,
                InterviewScheduled,
                OfferReceived,
                RejectedByCompany,
                WithdrawnByUser,
                WithdrawnByUser,
                SubmittedBySkyvern,
            ];
            Step::Decide { application, status: *statuses.choose(random).unwrap() }
        }
        14..=15 => Step::Delete { application },
        16..=18 => Step::Restore { application },
        _ => Step::Erase { application },
    }
}

fn answer(random: &mut StdRng) -> SkyvernAnswers {
    match random.gen_range(0..11) {
        0..=4 => SkyvernAnswers::Yes,
        5 => SkyvernAnswers::YesUnheard,
        6 => SkyvernAnswers::Nothing,
        7 => SkyvernAnswers::No,
        8..=9 => SkyvernAnswers::Later,
        _ => SkyvernAnswers::NotAsked,
    }
}

fn next(random: &mut StdRng) -> Move {
    match random.gen_range(0..14) {
        12..=13 | 0..=1 => Move::Runs,
        2..=4 => Move::Sends,
        5 => Move::CompletesUnproven,
        6..=7 => Move::Stops(["job_closed", "login_required", "missing_information"].choose(random).unwrap()),
        8 => Move::Stops("already_applied"),
        9 => Move::Fails,
        10 => Move::FailsForNow,
        _ => Move::TimesOut,
    }
}

fn address(random: &mut StdRng) -> Address {
    match random.gen_range(0..10) {
        0..=5 => Address::Whole,
        6 => Address::WithoutSubmission,
        _ => Address::Empty,
    }
}

/// Mostly the newest, at times any.
fn recent(random: &mut StdRng) -> usize {
    if random.gen_bool(0.7) { random.gen_range(0..2) } else { random.gen_range(0..12) }
}
