//! The two messages, by their field numbers in Temporal's public API
//! (`temporal/api/workflowservice/v1/request_response.proto`). What is not read is left out: protobuf skips
//! fields that it does not know.

/// `CountWorkflowExecutionsRequest`
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CountRequest {
    /// The namespace.
    #[prost(string, tag = "1")]
    pub(super) namespace: String,
    /// A list filter.
    #[prost(string, tag = "2")]
    pub(super) query: String,
}

/// `CountWorkflowExecutionsResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CountResponse {
    /// How many workflows match.
    #[prost(int64, tag = "1")]
    pub(super) count: i64,
}
