/// Opens the ends of a pipe.
#pragma once

#include "address.hpp"
#include "streams.hpp"
#include <coax/accept.hpp>
#include <coax/dial.hpp>

#include <functional>

/// How ends are opened.
struct end_options {
  end_options() = default;

  coax::byte_stream_options stream;
  coax::dial_options dial;
  coax::accept_options accept;
  bool once = false;  ///< Those that listen take one connection.
};

/// What is done with a stream; it is closed afterwards.
using stream_user = std::function<coax::task<>(any_stream& s)>;

/// Opens an end and has it used; for one that listens, that is once or, side by side, for each connection, until `ctx`
/// stops. Trouble with one of many connections is told on standard error.
/// @throws std::exception  it cannot be opened; what `use` throws, if it is used once.
coax::task<> with_end(const address& a, const end_options& options, stream_user use, coax::context ctx);

/// On standard error, with the name of the program.
void tell(std::string_view what);
