//! The APIs of Kafka 4.4: number, name, versions, listeners (`ApiKeys`, and the definitions in `spec/api`).

use crate::versions::Versions;
use std::fmt;

/// What Kafka 4.4 says about one API.
struct Row {
    name: &'static str,
    versions: Versions,
    flexible: Option<i16>,
    broker: bool,
    controller: bool,
    unstable: bool,
}

macro_rules! api_keys {
    ($($name:ident = $key:literal, versions $min:literal $max:literal, flexible $flexible:expr,
       broker $broker:literal, controller $controller:literal, unstable $unstable:literal;)*) => {
        /// An API by its number on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey {
            $(#[doc = stringify!($name)] $name = $key,)*
        }

        impl ApiKey {
            /// Every API of Kafka 4.4, in the order of the numbers.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The API of a number; `None` for one that Kafka 4.4 does not have, or no longer.
            #[must_use]
            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($key => Some(Self::$name),)*
                    _ => None,
                }
            }

            const fn row(self) -> &'static Row {
                match self {
                    $(Self::$name => &Row {
                        name: stringify!($name),
                        versions: Versions { min: $min, max: $max },
                        flexible: $flexible,
                        broker: $broker,
                        controller: $controller,
                        unstable: $unstable,
                    },)*
                }
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/api_keys.rs"));

impl ApiKey {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Kafka's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The versions of Kafka 4.4 that are settled. These are served; Produce is also *advertised* from 0
    /// (KAFKA-18659: older clients take that for a sign of compression), see [`ApiKey::advertised_versions`].
    #[must_use]
    pub const fn versions(self) -> Versions {
        let Row { versions: Versions { min, max }, unstable, .. } = *self.row();
        Versions { min, max: if unstable { max - 1 } else { max } }
    }

    /// The versions that are defined: those of [`ApiKey::versions`] and one that is still being worked on, if any.
    #[must_use]
    pub const fn defined_versions(self) -> Versions {
        self.row().versions
    }

    /// What ApiVersions says about the API.
    #[must_use]
    pub const fn advertised_versions(self) -> Versions {
        let Versions { min, max } = self.versions();
        Versions { min: if matches!(self, Self::Produce) { 0 } else { min }, max }
    }

    /// Whether a version has compact lengths and tagged fields.
    #[must_use]
    pub const fn is_flexible(self, version: i16) -> bool {
        match self.row().flexible {
            Some(first) => version >= first,
            None => false,
        }
    }

    /// Whether brokers serve it.
    #[must_use]
    pub const fn on_broker(self) -> bool {
        self.row().broker
    }

    /// Whether controllers serve it.
    #[must_use]
    pub const fn on_controller(self) -> bool {
        self.row().controller
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
