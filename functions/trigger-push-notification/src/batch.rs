//! Which recipients go into one request. Pure: places in a list in, places out.

use std::collections::BTreeMap;

use shared::vendors::expo::{MOST_RECIPIENTS, Projects};

/// One device that one message goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recipient<'a> {
    /// The message's place among the messages.
    pub(crate) message: usize,
    /// The device's place among the message's devices.
    pub(crate) device: usize,
    /// The device's push token.
    pub(crate) token: &'a str,
}

/// Recipients of one request, in order.
pub(crate) type Batch<'a> = Vec<Recipient<'a>>;

/// As few requests as the limit allows. What counts is recipients, so a message may be split.
pub(crate) fn in_batches<'a>(recipients: &[Recipient<'a>]) -> Vec<Batch<'a>> {
    recipients.chunks(MOST_RECIPIENTS).map(<[_]>::to_vec).collect()
}

/// The two halves of a batch; None for a single recipient.
pub(crate) fn halves<'a>(batch: &[Recipient<'a>]) -> Option<Vec<Batch<'a>>> {
    let (first, second) = batch.split_at(batch.len() / 2);
    (!first.is_empty()).then(|| vec![first.to_vec(), second.to_vec()])
}

/// The messages of a batch with their recipients: neighbours with the same message share one.
pub(crate) fn by_message<'a>(batch: &[Recipient<'a>]) -> Vec<(usize, Vec<&'a str>)> {
    batch
        .chunk_by(|one, next| one.message == next.message)
        .map(|group| (group[0].message, group.iter().map(|recipient| recipient.token).collect()))
        .collect()
}

/// A batch for each project, in the projects' order; what no project claims is left together. None if
/// that splits nothing, for then sending it again would change nothing.
pub(crate) fn by_project<'a>(batch: &[Recipient<'a>], projects: &Projects) -> Option<Vec<Batch<'a>>> {
    let project_of: BTreeMap<&str, &str> = projects
        .iter()
        .flat_map(|(project, tokens)| tokens.iter().map(|token| (token.as_str(), project.as_str())))
        .collect();
    let mut groups: BTreeMap<Option<&str>, Batch> = BTreeMap::new();
    for recipient in batch {
        groups.entry(project_of.get(recipient.token).copied()).or_default().push(*recipient);
    }
    (groups.len() > 1).then(|| groups.into_values().collect())
}

#[cfg(test)]
mod tests {
    use shared::vendors::expo::Projects;

    use super::{Recipient, by_message, by_project, halves, in_batches};

    fn recipients(devices_by_message: &[usize]) -> Vec<Recipient<'static>> {
        let devices = devices_by_message.iter().enumerate();
        devices
            .flat_map(|(message, count)| (0..*count).map(move |device| Recipient { message, device, token: "t" }))
            .collect()
    }

    #[test]
    fn recipients_count_not_messages() {
        let sizes = |devices: &[usize]| in_batches(&recipients(devices)).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[1; 100]), [100]);
        assert_eq!(sizes(&[1; 101]), [100, 1]);
        assert_eq!(sizes(&[101]), [100, 1]);
        assert_eq!(sizes(&[60, 0, 60]), [100, 20]);
        assert_eq!(sizes(&[1; 1000]), [100; 10]);
    }

    #[test]
    fn a_message_that_is_split_is_in_both_batches_and_the_order_stays() {
        let recipients = recipients(&[60, 60]);
        let batches = in_batches(&recipients);
        assert_eq!(batches.concat(), recipients);
        let messages =
            |batch| by_message(batch).into_iter().map(|(message, to)| (message, to.len())).collect::<Vec<_>>();
        assert_eq!(messages(&batches[0]), [(0, 60), (1, 40)]);
        assert_eq!(messages(&batches[1]), [(1, 20)]);
    }

    #[test]
    fn halves_are_the_whole_and_nobody_is_halved() {
        for length in 2..=100 {
            let batch = recipients(&vec![1; length]);
            let parts = halves(&batch).unwrap();
            assert!(parts.iter().all(|part| !part.is_empty()), "{length}");
            assert_eq!(parts.concat(), batch);
        }
        assert_eq!(halves(&recipients(&[1])), None);
        assert_eq!(halves(&[]), None);
    }

    #[test]
    fn recipients_are_regrouped_by_project() {
        let tokens = ["a1", "b1", "a2", "odd"];
        let batch: Vec<_> = (0..).zip(tokens).map(|(message, token)| Recipient { message, device: 0, token }).collect();
        let projects = Projects::from([
            ("@acme/a".to_owned(), vec!["a1".to_owned(), "a2".to_owned()]),
            ("@acme/b".to_owned(), vec!["b1".to_owned(), "other".to_owned()]),
        ]);
        let groups = by_project(&batch, &projects).unwrap();
        let tokens: Vec<Vec<_>> =
            groups.iter().map(|group| group.iter().map(|recipient| recipient.token).collect()).collect();
        assert_eq!(tokens, [vec!["odd"], vec!["a1", "a2"], vec!["b1"]]);
    }

    #[test]
    fn a_split_that_splits_nothing_is_none() {
        let batch = recipients(&[2]);
        let all = Projects::from([("@acme/a".to_owned(), vec!["t".to_owned()])]);
        assert_eq!(by_project(&batch, &all), None);
        assert_eq!(by_project(&batch, &Projects::new()), None);
    }
}
