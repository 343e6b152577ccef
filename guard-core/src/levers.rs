//! levers.
