//! Reads the command line.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
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
    /// Everything that is no option.
    pub values: Vec<String>,
    /// Everything after `--`.
    pub passed_on: Vec<String>,
    switches: BTreeSet<String>,
    options: BTreeMap<String, String>,
}

impl Arguments {
    /// None when help was asked for, and given.
    pub fn read(usage: Usage, arguments: impl IntoIterator<Item = String>) -> Outcome<Option<Self>> {
        let mut read = Self::default();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            if argument == "--" {
                read.passed_on = rest.collect();
                break;
            } else if argument == "--help" || argument == "-h" {
                say!("{}", usage.help);
                return Ok(None);
            } else if usage.switches.contains(&argument.as_str()) {
                read.switches.insert(argument);
            } else if usage.options.contains(&name) {
                let value = value.or_else(|| rest.next());
                let value = value.ok_or_else(|| misuse(usage, &format!("{name} wants a value")))?;
                read.options.insert(name.to_owned(), value);
            } else if argument.starts_with('-') {
                return Err(misuse(usage, &format!("there is no option {argument}")));
            } else {
                read.values.push(argument);
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
        match self.values.first().or(self.passed_on.first()) {
            Some(value) => Err(misuse(usage, &format!("there is nothing to do with {value}"))),
            None => Ok(()),
        }
    }
}

/// The sentence, and how it is done right.
pub fn misuse(usage: Usage, sentence: &str) -> Failure {
    Failure::new(format!("{sentence}\n\n{}", usage.help))
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Usage};

    const USAGE: Usage = Usage { help: "help", switches: &["--fresh"], options: &["--name", "--port-base"] };

    fn read(line: &str) -> Option<Arguments> {
        Arguments::read(USAGE, line.split_whitespace().map(str::to_owned)).unwrap()
    }

    #[test]
    fn options_values_and_what_is_passed_on_are_told_apart() {
        let arguments = read("apply --name blue --fresh --port-base=4000 -- --nocapture").unwrap();

        assert_eq!(arguments.values, ["apply"]);
        assert_eq!(arguments.passed_on, ["--nocapture"]);
        assert_eq!(arguments.option("--name"), Some("blue"));
        assert_eq!(arguments.number("--port-base").unwrap(), Some(4000_u16));
        assert!(arguments.has("--fresh"));
    }

    #[test]
    fn help_is_given_instead_of_anything_else() {
        assert_eq!(read("--fresh --help"), None);
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let failure = Arguments::read(USAGE, ["--freh".to_owned()]).unwrap_err();

        assert!(failure.to_string().contains("--freh"), "{failure}");
    }

    #[test]
    fn a_number_must_be_one() {
        let arguments = read("--port-base many").unwrap();

        assert!(arguments.number::<u16>("--port-base").is_err());
    }
}
