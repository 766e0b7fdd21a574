//! L1: a live view of one cluster's LoadBalancer services.
mod assemble;
mod findings;
#[cfg(test)]
mod recorded_tests;
mod records;
mod view;
