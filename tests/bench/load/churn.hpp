/// Connections that come and go: connect, handshake, one message and its echo, close.
#pragma once

#include "traffic.hpp"

#include <chrono>

namespace bench {

/// Keeps `side_by_side` of them under way until the time has come; returns how many went their whole way.
std::uint64_t churn(const traffic& t, std::size_t side_by_side, std::uint16_t port,
                    std::chrono::steady_clock::time_point end);

}  // namespace bench
