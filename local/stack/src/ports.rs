//! The ports of a stack: given in a row, or whatever is free.

use std::net::{Ipv4Addr, TcpListener};

use toolchain::{Failure, Outcome};

/// Where the gateway of the `dev` stack listens if it can: the port of Supabase's own local stack.
pub const USUAL_GATEWAY: u16 = 54321;

/// One port for each thing that listens.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// `SUPABASE_URL`.
    pub gateway: u16,
    /// The functions in workerd.
    pub functions: u16,
    /// PostgREST, and its health checks.
    pub postgrest: u16,
    /// PostgREST's health checks.
    pub postgrest_admin: u16,
    /// The simulators of outside vendors.
    pub simulators: u16,
    /// PostgreSQL.
    pub database: u16,
}

impl Ports {
    /// The ports from `base` on, all of which must be free.
    pub fn from_base(base: u16) -> Outcome<Self> {
        let port = |offset: u16| {
            let port = base.checked_add(offset).filter(|port| *port >= 1024);
            let port =
                port.ok_or_else(|| Failure::new(format!("--port-base {base} leaves the range 1024 to 65530")))?;
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(|_| port).map_err(|_| {
                Failure::new(format!("port {port} is taken by another program")).mend("choose another --port-base")
            })
        };
        Ok(Self {
            gateway: port(0)?,
            functions: port(1)?,
            postgrest: port(2)?,
            postgrest_admin: port(3)?,
            simulators: port(4)?,
            database: port(5)?,
        })
    }

    /// Free ports; the gateway gets `preferred` if that is one of them.
    pub fn free(preferred: Option<u16>) -> Outcome<Self> {
        // All are held until the last one is chosen, so that none is chosen twice.
        let mut held = Vec::new();
        let mut any = |preferred: Option<u16>| -> Outcome<u16> {
            let listener = preferred
                .and_then(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
                .map_or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), Ok);
            let listener = listener.map_err(|error| Failure::new(format!("no port is free on 127.0.0.1: {error}")))?;
            let port = listener.local_addr().map_err(|error| Failure::new(error.to_string()))?.port();
            held.push(listener);
            Ok(port)
        };
        Ok(Self {
            gateway: any(preferred)?,
            functions: any(None)?,
            postgrest: any(None)?,
            postgrest_admin: any(None)?,
            simulators: any(None)?,
            database: any(None)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, net::TcpListener};

    use super::Ports;

    #[test]
    fn free_ports_differ() {
        let ports = Ports::free(None).unwrap();

        let all =
            [ports.gateway, ports.functions, ports.postgrest, ports.postgrest_admin, ports.simulators, ports.database];
        assert_eq!(BTreeSet::from(all).len(), all.len());
    }

    #[test]
    fn a_taken_port_of_a_given_row_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();

        let failure = Ports::from_base(port).unwrap_err();

        assert!(failure.to_string().contains(&port.to_string()), "{failure}");
    }

    #[test]
    fn a_preferred_port_that_is_taken_gives_another() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();

        assert_ne!(Ports::free(Some(port)).unwrap().gateway, port);
    }
}
