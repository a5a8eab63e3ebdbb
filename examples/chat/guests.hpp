/// What a page says and is told: JSON in the messages of coax.resume.v1 (docs/resume.md), so that it misses nothing
/// when it loses its connection.
#pragma once

#include "chat.hpp"
#include <coax/exchange.hpp>

/// Serves the WebSocket of one page until it leaves.
coax::task<> serve_guest(chat& c, coax::exchange& x, coax::context ctx);
