/// @file
/// All of server-sent events.
#pragma once

#include <coax/event_source.hpp>
#include <coax/event_stream.hpp>
#include <coax/sse_event.hpp>
