//! Reads the command line.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    str::FromStr,
};

use lexopt::{
    Arg::{Long, Short, Value},
    Parser,
};

use toolchain::{Failure, Outcome, progress::say};

/// What a command accepts.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// What `--help` says.
    pub help: &'static str,
    /// Options without a value.
    pub switches: &'static [&'static str],
    /// Options with one.
    pub options: &'static [&'static str],
}

/// The arguments of one command.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Everything that is not an option, and everything after `--`.
    pub values: Vec<String>,
    switches: BTreeSet<String>,
    options: BTreeMap<String, String>,
}

impl Arguments {
    /// None when help was asked for, and given.
    pub fn read(usage: Usage, parser: &mut Parser) -> Outcome<Option<Self>> {
        let mut read = Self::default();
        while let Some(argument) = parser.next().map_err(|error| misuse(usage, &error.to_string()))? {
            let option = match argument {
                Short('h') | Long("help") => {
                    say!("{}", usage.help);
                    return Ok(None);
                }
                Long(name) => format!("--{name}"),
                Short(name) => return Err(unknown_option(usage, &format!("-{name}"))),
                Value(value) => {
                    read.values.push(text(usage, value)?);
                    continue;
                }
            };
            if usage.switches.contains(&&*option) {
                read.switches.insert(option);
            } else if usage.options.contains(&&*option) {
                let value = parser.value().map_err(|_| misuse(usage, &format!("{option} wants a value")))?;
                read.options.insert(option, text(usage, value)?);
            } else {
                return Err(unknown_option(usage, &option));
            }
        }
        Ok(Some(read))
    }

    /// Whether an option without a value was given.
    pub fn has(&self, switch: &str) -> bool {
        self.switches.contains(switch)
    }

    /// The value of an option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// The value of an option, as a number.
    pub fn number<T: FromStr>(&self, name: &str) -> Outcome<Option<T>> {
        self.option(name)
            .map(|text| text.parse().map_err(|_| Failure::new(format!("{name} wants a number, and {text} is none"))))
            .transpose()
    }

    /// The stack that is meant.
    pub fn stack_name(&self) -> Outcome<String> {
        let name = self.option("--name").unwrap_or("dev");
        if local_stack::is_name(name) {
            return Ok(name.to_owned());
        }
        Err(Failure::new("--name wants at most 40 letters, digits, - and _"))
    }

    /// For commands that take options only.
    pub fn no_values(&self, usage: Usage) -> Outcome {
        match self.values.first() {
            Some(value) => Err(misuse(usage, &format!("there is nothing to do with {value}"))),
            None => Ok(()),
        }
    }
}

fn text(usage: Usage, value: OsString) -> Outcome<String> {
    value.into_string().map_err(|value| misuse(usage, &format!("{} is not UTF-8", value.display())))
}

/// An option that is not known here, and those that are.
pub fn unknown_option(usage: Usage, option: &str) -> Failure {
    misuse(usage, &format!("there is no option {option}"))
}

/// The sentence, and how it is done right.
pub fn misuse(usage: Usage, sentence: &str) -> Failure {
    Failure::new(format!("{sentence}\n\n{}", usage.help))
}

#[cfg(test)]
mod tests {
    use lexopt::Parser;
    use toolchain::Outcome;

    use super::{Arguments, Usage};

    const USAGE: Usage = Usage { help: "help", switches: &["--fresh"], options: &["--name", "--port-base"] };

    fn read(line: &str) -> Outcome<Option<Arguments>> {
        Arguments::read(USAGE, &mut Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn options_and_values_are_told_apart() {
        let arguments = read("apply --name blue --fresh --port-base=4000 -- --nocapture").unwrap().unwrap();

        assert_eq!(arguments.values, ["apply", "--nocapture"]);
        assert_eq!(arguments.option("--name"), Some("blue"));
        assert_eq!(arguments.number("--port-base").unwrap(), Some(4000_u16));
        assert!(arguments.has("--fresh"));
    }

    #[test]
    fn help_is_given_instead_of_anything_else() {
        for line in ["--fresh --help", "-h", "--help --freh"] {
            assert_eq!(read(line).unwrap(), None, "{line}");
        }
    }

    #[test]
    fn an_unknown_option_or_a_missing_value_is_refused_by_name() {
        for (line, option) in [("--freh", "--freh"), ("-f", "-f"), ("--fresh=1", "--fresh"), ("--name", "--name")] {
            let failure = read(line).unwrap_err().to_string();

            assert!(failure.contains(option) && failure.ends_with(USAGE.help), "{line}: {failure}");
        }
    }

    #[test]
    fn a_number_must_be_one() {
        let arguments = read("--port-base many").unwrap().unwrap();

        assert!(arguments.number::<u16>("--port-base").is_err());
    }
}
