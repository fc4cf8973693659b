//! Leave to act as `service_role`, around row level security.

/// Whoever holds it may go around row level security. It has no public constructor: what gives it is a check in
/// [`sign_in`](crate::sign_in), so a function that forgets its check does not compile.
#[derive(Debug, Clone, Copy)]
pub struct ServiceRole(());

impl ServiceRole {
    /// For the checks alone.
    pub(crate) const fn granted() -> Self {
        Self(())
    }
}
