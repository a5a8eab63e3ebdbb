/// Why a connection or a handshake cannot go on.
#pragma once

#include <coax/error.hpp>

#include <string>

namespace coax::protocol {

/// A breach of the protocol: the code for the program, the status for the close frame, the text for people.
struct failure {
  errc code{};
  coax::status status{};
  std::string text;
};

/// A value, or why there is none.
template <class T>
using outcome = boost::system::result<T, failure>;

}  // namespace coax::protocol
