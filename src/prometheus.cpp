// Metrics for Prometheus.
#include <chain/impl/detail/metrics_page.ipp>
#include <chain/impl/prometheus.ipp>
