/// @file
/// All of coax but <coax/json.hpp>, which wants Boost.JSON. The single headers compile faster.
#pragma once

#include <coax/accept.hpp>
#include <coax/byte_stream.hpp>
#include <coax/codec.hpp>
#include <coax/conn.hpp>
#include <coax/context.hpp>
#include <coax/cookie_jar.hpp>
#include <coax/deflate.hpp>
#include <coax/dial.hpp>
#include <coax/error.hpp>
#include <coax/event_stream.hpp>
#include <coax/exchange.hpp>
#include <coax/hub.hpp>
#include <coax/message.hpp>
#include <coax/message_stream.hpp>
#include <coax/pipe.hpp>
#include <coax/prepared_message.hpp>
#include <coax/proxy_error.hpp>
#include <coax/server.hpp>
#include <coax/sse.hpp>
#include <coax/sse_event.hpp>
#include <coax/stop_on_signal.hpp>
#include <coax/stream_transport.hpp>
#include <coax/transport.hpp>
