#include "protocol/event_vectors.hpp"

namespace coax::protocol {
namespace {

using namespace std::string_literals;

constexpr bool whole = true;
constexpr bool cut = false;

std::vector<event_vector> make_vectors() {
  const std::string max = "9223372036854775807";
  return {
      {"a stream of nothing", ""s, "last id "s, whole},
      {"one event", "data: a\n\n"s, "message [a] id \nlast id "s, whole},
      // Byte order mark
      {"one mark at the beginning is dropped",
       "\xef\xbb\xbf"
       "data: a\n\n"s,
       "message [a] id \nlast id "s, whole},
      {"a second mark belongs to the name",
       "\xef\xbb\xbf\xef\xbb\xbf"
       "data: a\n\n"s,
       "last id "s, whole},
      {"a mark in a later line belongs to the name",
       "\n\xef\xbb\xbf"
       "data: a\n\n"s,
       "last id "s, whole},
      {"half a mark is none",
       "\xef\xbb"
       "data: a\n\ndata: b\n\n"s,
       "message [b] id \nlast id "s, whole},
      {"a third of a mark and a line's end", "\xef\ndata: b\n\n"s, "message [b] id \nlast id "s, whole},
      {"a mark alone is no line", "\xef\xbb\xbf\ndata: b\n\n"s, "message [b] id \nlast id "s, whole},
      {"a mark in a value stays",
       "data:\xef\xbb\xbf"
       "a\n\n"s,
       "message [\xef\xbb\xbf"
       "a] id \nlast id "s,
       whole},
      // Ends of lines
      {"LF", "data: a\ndata: b\n\n"s, "message [a\nb] id \nlast id "s, whole},
      {"CR", "data: a\rdata: b\r\r"s, "message [a\nb] id \nlast id "s, whole},
      {"CRLF", "data: a\r\ndata: b\r\n\r\n"s, "message [a\nb] id \nlast id "s, whole},
      {"CRLF CR", "data: a\r\n\rdata: b\r\n\r"s, "message [a] id \nmessage [b] id \nlast id "s, whole},
      {"LF CR is two ends", "data: a\n\rdata: b\n\r"s, "message [a] id \nmessage [b] id \nlast id "s, whole},
      {"CR LF LF", "data: a\r\n\ndata: b\r\n\n"s, "message [a] id \nmessage [b] id \nlast id "s, whole},
      {"a CR at the very end ends the line", "data: a\r\n\r"s, "message [a] id \nlast id "s, whole},
      {"empty lines alone", "\n\r\n\r\r\n\n"s, "last id "s, whole},
      {"other ends of lines are none",
       "data: a\v\f\x1c\xc2\x85\xe2\x80\xa8"
       "b\n\n"s,
       "message [a\v\f\x1c\xc2\x85\xe2\x80\xa8"
       "b] id \nlast id "s,
       whole},
      // Comments
      {"a comment", ": data: a\n\n:\n\n::\n\n"s, "last id "s, whole},
      {"a comment between the lines of an event", "data: a\n: c\ndata: b\n\n"s, "message [a\nb] id \nlast id "s, whole},
      {"a colon behind a space makes no comment", " : a\ndata: b\n\n"s, "message [b] id \nlast id "s, whole},
      // Names and values
      {"the first colon parts", "data:a:b: c\n\n"s, "message [a:b: c] id \nlast id "s, whole},
      {"one leading space is removed", "data:a\n\ndata: a\n\ndata:  a\n\ndata: \n\n"s,
       "message [a] id \nmessage [a] id \nmessage [ a] id \nmessage [] id \nlast id "s, whole},
      {"a tab stays", "data:\ta\t\n\n"s, "message [\ta\t] id \nlast id "s, whole},
      {"trailing spaces stay", "data: a  \n\n"s, "message [a  ] id \nlast id "s, whole},
      {"no colon: the line is the name", "data\n\ndata\ndata\n\n"s, "message [] id \nmessage [\n] id \nlast id "s,
       whole},
      {"no colon and more than a name", "data a\n\n"s, "last id "s, whole},
      {"names are case-sensitive", "Data: a\nDATA: a\nID: 1\nEvent: x\ndata: b\n\n"s, "message [b] id \nlast id "s,
       whole},
      {"a space belongs to the name", " data: a\ndata : b\ndata: c\n\n"s, "message [c] id \nlast id "s, whole},
      {"unknown names", "datum: a\ndat: a\ndataa: a\nunknownfield: a\nx\ndata: b\n\n"s, "message [b] id \nlast id "s,
       whole},
      {"a NUL in a name", "da\0ta: a\ndata: b\n\n"s, "message [b] id \nlast id "s, whole},
      {"a NUL in the data stays", "data: a\0b\n\n"s, "message [a\0b] id \nlast id "s, whole},
      // data
      {"data with an empty line in it", "data: a\ndata\ndata: b\n\n"s, "message [a\n\nb] id \nlast id "s, whole},
      {"data that ends with an empty line", "data: a\ndata:\n\n"s, "message [a\n] id \nlast id "s, whole},
      {"data of one event is not that of the next", "data: a\n\ndata: b\n\n"s,
       "message [a] id \nmessage [b] id \nlast id "s, whole},
      {"text beyond ASCII", "data: \xc3\xa4\xe4\xb8\x96\xf0\x9f\x9a\x80\n\n"s,
       "message [\xc3\xa4\xe4\xb8\x96\xf0\x9f\x9a\x80] id \nlast id "s, whole},
      // event
      {"a type", "event: tick\ndata: a\n\n"s, "tick [a] id \nlast id "s, whole},
      {"the type may come last", "data: a\nevent: tick\n\n"s, "tick [a] id \nlast id "s, whole},
      {"the last type wins", "event: a\nevent: b\ndata: x\n\n"s, "b [x] id \nlast id "s, whole},
      {"an empty type is none", "event: a\nevent:\ndata: x\n\nevent: a\nevent\ndata: y\n\n"s,
       "message [x] id \nmessage [y] id \nlast id "s, whole},
      {"a type is for one event", "event: a\ndata: x\n\ndata: y\n\n"s, "a [x] id \nmessage [y] id \nlast id "s, whole},
      {"a type without data is forgotten", "event: a\n\ndata: y\n\n"s, "message [y] id \nlast id "s, whole},
      {"a type keeps its spaces", "event:  a b \ndata: x\n\n"s, " a b  [x] id \nlast id "s, whole},
      // id
      {"an id", "id: 1\ndata: a\n\n"s, "message [a] id 1\nlast id 1"s, whole},
      {"an id stays", "id: 1\ndata: a\n\ndata: b\n\n"s, "message [a] id 1\nmessage [b] id 1\nlast id 1"s, whole},
      {"the last id wins", "id: 1\nid: 2\ndata: a\n\n"s, "message [a] id 2\nlast id 2"s, whole},
      {"an empty id resets it", "id: 1\ndata: a\n\nid:\ndata: b\n\nid: 3\ndata: c\n\nid\ndata: d\n\n"s,
       "message [a] id 1\nmessage [b] id \nmessage [c] id 3\nmessage [d] id \nlast id "s, whole},
      {"an id with a NUL is ignored", "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n"s,
       "message [a] id 1\nmessage [b] id 1\nlast id 1"s, whole},
      {"an id without data counts", "id: 1\n\n"s, "last id 1"s, whole},
      {"an id without data is that of the next event", "id: 1\n\ndata: a\n\n"s, "message [a] id 1\nlast id 1"s, whole},
      {"an id need not be a number", "id:  a, b \ndata: x\n\n"s, "message [x] id  a, b \nlast id  a, b "s, whole},
      // retry
      {"retry", "retry: 1500\n\n"s, "last id , retry 1500"s, whole},
      {"retry within an event", "data: a\nretry:7\n\n"s, "message [a] id \nlast id , retry 7"s, whole},
      {"retry counts at the end of its line", "retry: 5\n"s, "last id , retry 5"s, cut},
      {"retry has digits only",
       "retry: 1\nretry: -2\nretry: +2\nretry: 2.0\nretry: 2s\nretry: 0x2\nretry:  2\nretry: 2 \n\n"s,
       "last id , retry 1"s, whole},
      {"an empty retry is ignored", "retry: 1\nretry:\nretry\n\n"s, "last id , retry 1"s, whole},
      {"digits beyond ASCII are none", "retry: 1\nretry: \xd9\xa3\n\n"s, "last id , retry 1"s, whole},
      {"retry with leading zeros", "retry: 0007\n\n"s, "last id , retry 7"s, whole},
      {"retry of zero", "retry: 0\n\n"s, "last id , retry 0"s, whole},
      {"retry does not overflow", "retry: 99999999999999999999999999\n\n"s, "last id , retry " + max, whole},
      // The end of the stream
      {"no empty line, no event", "data: a\n\ndata: b\n"s, "message [a] id \nlast id "s, cut},
      {"half a line at the end", "data: a\n\ndata: b"s, "message [a] id \nlast id "s, cut},
      {"an unfinished event takes its id along", "id: 1\ndata: a\n\nid: 2\ndata: b\n"s, "message [a] id 1\nlast id 1"s,
       cut},
      {"an unfinished retry is none", "retry: 5"s, "last id "s, cut},
      // The examples of the standard
      {"the standard's stocks", "data: YHOO\ndata: +2\ndata: 10\n\n"s, "message [YHOO\n+2\n10] id \nlast id "s, whole},
      {"the standard's four blocks",
       ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n"s,
       "message [first event] id 1\nmessage [second event] id \nlast id "s, cut},
      {"the standard's empty events", "data\n\ndata\ndata\n\ndata:"s, "message [] id \nmessage [\n] id \nlast id "s,
       cut},
      {"the standard's two alike", "data:test\n\ndata: test\n\n"s, "message [test] id \nmessage [test] id \nlast id "s,
       whole},
  };
}

}  // namespace

const std::vector<event_vector>& event_vectors() {
  static const auto all = make_vectors();
  return all;
}

}  // namespace coax::protocol
