/// @file
/// A hub and a server for those who watch them: figures, and whether they are alive and ready.
///
///     server.get("/livez", coax::livez());
///     server.get("/readyz", coax::readyz(hub));
///     server.get("/metrics", [&](coax::exchange& x, coax::context) -> coax::task<> {
///       co_await x.respond(200, std::string(coax::prometheus_type), coax::prometheus_text(hub.stats()));
///     });
#pragma once

#include <coax/detail/export.hpp>
#include <coax/exchange.hpp>
#include <coax/hub_stats.hpp>
#include <coax/server_stats.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace coax {

class hub;

/// The media type of `prometheus_text`.
inline constexpr std::string_view prometheus_type = "text/plain; version=0.0.4; charset=utf-8";

/// The figures in Prometheus' text exposition format 0.0.4; those of `topics` with the label "topic", one line each.
COAX_EXPORT std::string prometheus_text(const hub_stats& stats, const std::vector<topic_stats>& topics = {});

/// Those of a server.
COAX_EXPORT std::string prometheus_text(const server_stats& stats);

/// Answers 200 as long as there is somebody to answer.
COAX_EXPORT request_handler livez();

/// Answers 200 "ready", or 503 and why it is not: "draining", "closed" or "deaf to the broker". The hub must outlive
/// the server.
COAX_EXPORT request_handler readyz(hub& h);

}  // namespace coax
