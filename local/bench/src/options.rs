//! The command line. What each option is for, `cargo xtask bench --help` says; that command also refuses what is no option
//! before this program is compiled.

use std::{ffi::OsString, path::PathBuf, str::FromStr};

use lexopt::{
    Arg::{Long, Value},
    Parser,
};

use toolchain::{Failure, Outcome};

/// What is to be measured, and how.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// The functions' names; all of them if there are none.
    pub functions: Vec<String>,
    /// How long and how often.
    pub pace: Pace,
    /// Where the figures go.
    pub json: Option<PathBuf>,
    /// Earlier figures to compare with.
    pub baseline: Option<PathBuf>,
}

/// How long and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// At least one.
    pub rounds: usize,
    /// More than none.
    pub seconds: f64,
}

impl Options {
    /// Reads the arguments.
    pub fn read(mut parser: Parser) -> Outcome<Self> {
        let mut options =
            Self { functions: Vec::new(), pace: Pace { rounds: 5, seconds: 3.0 }, json: None, baseline: None };
        while let Some(argument) = parser.next().map_err(|error| refused(&error))? {
            match argument {
                Long("rounds") => options.pace.rounds = number("--rounds", &value(&mut parser)?)?,
                Long("seconds") => options.pace.seconds = number("--seconds", &value(&mut parser)?)?,
                Long("json") => options.json = Some(value(&mut parser)?.into()),
                Long("baseline") => options.baseline = Some(value(&mut parser)?.into()),
                Value(function) => options.functions.push(function.to_string_lossy().into_owned()),
                argument => return Err(refused(&argument.unexpected())),
            }
        }
        let Pace { rounds, seconds } = options.pace;
        if rounds == 0 || seconds.is_nan() || seconds <= 0.0 {
            return Err(Failure::new("--rounds and --seconds want numbers above 0"));
        }
        Ok(options)
    }
}

fn value(parser: &mut Parser) -> Outcome<OsString> {
    parser.value().map_err(|error| refused(&error))
}

fn number<T: FromStr>(option: &str, value: &OsString) -> Outcome<T> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| Failure::new(format!("{option} wants a number, and {} is none", value.display())))
}

fn refused(error: &lexopt::Error) -> Failure {
    Failure::new(error.to_string()).mend("cargo xtask bench --help")
}

#[cfg(test)]
mod tests {
    use lexopt::Parser;
    use toolchain::Outcome;

    use super::{Options, Pace};

    fn read(line: &str) -> Outcome<Options> {
        Options::read(Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn functions_and_options_are_told_apart() {
        let expected = Options {
            functions: vec!["job-runner".into(), "job-sync".into()],
            pace: Pace { rounds: 1, seconds: 0.5 },
            json: Some("figures.json".into()),
            baseline: Some("before.json".into()),
        };
        let line = "job-runner --rounds 1 --seconds=0.5 --json figures.json --baseline before.json -- job-sync";
        assert_eq!(read(line).unwrap(), expected);
    }

    #[test]
    fn without_arguments_everything_is_measured_at_the_usual_pace() {
        let expected =
            Options { functions: Vec::new(), pace: Pace { rounds: 5, seconds: 3.0 }, json: None, baseline: None };
        assert_eq!(read("").unwrap(), expected);
    }

    #[test]
    fn what_is_no_pace_is_refused() {
        for (line, named) in [
            ("--rounds many", "--rounds"),
            ("--rounds 0", "above 0"),
            ("--rounds -1", "--rounds"),
            ("--rounds", "--rounds"),
            ("--seconds long", "--seconds"),
            ("--seconds 0", "above 0"),
            ("--seconds -1", "above 0"),
            ("--seconds NaN", "above 0"),
            ("--minutes 1", "--minutes"),
        ] {
            let failure = read(line).unwrap_err().to_string();
            assert!(failure.contains(named), "{line}: {failure}");
        }
    }
}
