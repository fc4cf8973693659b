//! A model of an application's life: random sequences of everything that can happen to applications, played against the
//! database's functions and compared after each call with a small reference ([`reference`]) and with what must always be
//! true ([`rules`]).
//!
//! A life that goes wrong is made as short as possible and printed with its seed. Each run plays the same seeds, so that a
//! change is what makes a difference; `MODEL_SEED` plays another one alone, to look further, `MODEL_LIVES` more or fewer lives
//! of each, and `MODEL_STEPS` longer or shorter ones.

mod background;
mod calls;
mod clock;
mod reference;
mod rules;
mod session;
mod skyvern;
mod snapshot;
mod steps;
mod world;

use rand::{Rng as _, SeedableRng, rngs::StdRng};
use tests::{Stack, scratch_database::ScratchDatabase};

use self::{
    skyvern::Move,
    steps::{Step, random_life},
    world::{Database, World},
};

/// Played each time.
const SEEDS: [u64; 3] = [1, 2, 3];
/// How many lives a seed is.
const LIVES: usize = 25;
/// How many steps a life has.
const STEPS: usize = 60;
/// How often a life that goes wrong is played again to make it shorter.
const REPETITIONS: usize = 400;
/// How often a life is played again because the machine stood still.
const PATIENCE: usize = 3;

#[tokio::test]
async fn whatever_happens_to_applications_they_are_as_the_reference_says_and_come_to_rest() {
    let scratch = ScratchDatabase::create(&Stack::get().await);
    scratch.up();
    let database = Database::of(&scratch).await;
    let seeds = match from_environment("MODEL_SEED") {
        Some(seed) => vec![seed],
        None => SEEDS.to_vec(),
    };
    let lives = from_environment("MODEL_LIVES").unwrap_or(LIVES);
    let steps = from_environment("MODEL_STEPS").unwrap_or(STEPS);
    let mut calls = 0;
    for seed in seeds {
        let mut random = StdRng::seed_from_u64(seed);
        for number in 1..=lives {
            let life = Life { steps: random_life(&mut random, steps), end: end(&mut random) };
            match life.play(&database).await {
                Ok(number_of_calls) => calls += number_of_calls,
                Err(failure) => {
                    let (life, failure) = life.shortened(&database, failure).await;
                    panic!(
                        "MODEL_SEED={seed} MODEL_STEPS={steps}, life {number}, at its shortest:\n{life}\n\n{failure}"
                    );
                }
            }
        }
    }
    println!("{calls} calls");
}

fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().map(|text| text.parse().ok().unwrap_or_else(|| panic!("{name} is no number: {text}")))
}

/// What runs do once nobody calls any more.
fn end(random: &mut StdRng) -> Option<Move> {
    match random.gen_range(0..4) {
        0 => Some(Move::Sends),
        1 => Some(Move::Fails),
        _ => None,
    }
}

#[derive(Debug, Clone)]
struct Life {
    steps: Vec<Step>,
    end: Option<Move>,
}

impl std::fmt::Display for Life {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(formatter, "{:>3}. {step:?}", index + 1)?;
        }
        write!(formatter, "  then everything comes to rest, and runs: {:?}", self.end)
    }
}

impl Life {
    /// Plays it from the start to the end, and returns how many calls that were.
    async fn play(&self, database: &Database) -> Result<usize, String> {
        for _ in 0..PATIENCE {
            let mut world = World::begin(database).await;
            match self.play_in(&mut world).await {
                Ok(()) => return Ok(world.calls),
                Err(_) if world.was_held_up() => {}
                Err(failure) => return Err(format!("{}\n\n{failure}", world.log.join("\n"))),
            }
        }
        panic!("a life of {} steps cannot be played quickly enough to tell what is over", self.steps.len());
    }

    async fn play_in(&self, world: &mut World<'_>) -> Result<(), String> {
        for step in &self.steps {
            world.play(step).await?;
        }
        world.come_to_rest(self.end).await
    }

    /// The same failure, or another one, in fewer steps: what can be left out is left out, the largest parts first.
    async fn shortened(mut self, database: &Database, mut failure: String) -> (Self, String) {
        let mut part = self.steps.len() / 2;
        let mut left = REPETITIONS;
        while part > 0 {
            let mut start = 0;
            while start < self.steps.len() && left > 0 {
                left -= 1;
                let mut shorter = self.clone();
                shorter.steps.drain(start..(start + part).min(self.steps.len()));
                match shorter.play(database).await {
                    Ok(_) => start += part,
                    Err(other) => (self, failure) = (shorter, other),
                }
            }
            part /= 2;
        }
        (self, failure)
    }
}
