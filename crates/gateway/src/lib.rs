//! The Gateway: connections and the API in front of the bus and the services.
