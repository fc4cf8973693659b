//! Expo, from the side of its devices.

use std::collections::BTreeSet;

use reqwest::Method;

use crate::stack::Stack;
use simulators::expo::control::{Aging, Delivered, Device, Devices, ProjectRecord, ProjectSpec};
use simulators::faults::{Fault, FaultSpec, Service};
use simulators::recorder::RecordedRequest;

/// Decides what push tokens lead to, and shows what came through.
pub struct ExpoControl {
    stack: Stack,
}

impl ExpoControl {
    pub(crate) fn new(stack: &Stack) -> Self {
        Self { stack: stack.clone() }
    }

    /// These tokens lead to such a device.
    pub async fn set_devices(&self, tokens: &[String], device: Device) {
        let spec = Devices { tokens: tokens.to_vec(), device };
        self.stack.control(Method::POST, "/expo/devices", |request| request.json(&spec)).await.expect_status(204);
    }

    /// What a project asks for.
    pub async fn set_project(&self, spec: &ProjectSpec) {
        self.stack.control(Method::POST, "/expo/projects", |request| request.json(spec)).await.expect_status(204);
    }

    /// What a project has seen.
    pub async fn project(&self, project: &str) -> ProjectRecord {
        let query = [("project", project)];
        self.stack.control(Method::GET, "/expo/projects", |request| request.query(&query)).await.parse()
    }

    /// Lets the messages with this text in their token or data grow older.
    pub async fn let_age(&self, text: impl ToString, seconds: u64) {
        let aging = Aging { contains: text.to_string(), seconds };
        self.stack.control(Method::POST, "/expo/age", |request| request.json(&aging)).await.expect_status(204);
    }

    /// The messages that came through, by a text in their token or data, or by their project.
    pub async fn delivered(&self, text: impl ToString) -> Vec<Delivered> {
        let query = [("contains", text.to_string())];
        self.stack.control(Method::GET, "/expo/delivered", |request| request.query(&query)).await.parse()
    }

    /// How many of them can be seen on the devices: one takes the place of another with the same identifier.
    pub async fn shown(&self, text: impl ToString) -> usize {
        let delivered = self.delivered(text).await;
        let seen: BTreeSet<_> =
            delivered.iter().map(|message| (&message.token, &message.collapse_id, &message.tag)).collect();
        seen.len()
    }

    /// The requests with this text in them, refused ones included.
    pub async fn requests_for(&self, text: impl ToString) -> Vec<RecordedRequest> {
        self.stack.requests(Service::Expo, "/", text).await
    }

    /// So many requests with this text in them fail in this way.
    pub async fn fail(&self, text: impl ToString, times: u32, fault: Fault) {
        self.stack.fail(FaultSpec { service: Service::Expo, contains: text.to_string(), times, fault }).await;
    }
}
