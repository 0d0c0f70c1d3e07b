// SPDX-License-Identifier: MIT
//
// A chat over lines of text: what one says, all others hear. Whoever comes gives a name first, and
// leaves with /quit. Knows neither signals nor ports: main.cpp has those. Next: chat.cpp.
#pragma once

#include <deferred/deferred.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <list>
#include <optional>
#include <string>

namespace chat {

/// What a chat lets its clients do.
class Rules {
 public:
  Rules() {}

  std::size_t longest_line = 1000;
  std::size_t longest_name = 20;
  /// So long a client may take to give a name.
  deferred::Duration longest_silence = std::chrono::minutes(1);
  /// So many lines may wait for a client who does not read them; at one more it is let go, so that
  /// the others need not wait for it.
  std::size_t most_unread = 100;
  /// So long a client may take to read what he has not read yet, when he has said his last or the
  /// chat has ended.
  deferred::Duration grace = std::chrono::seconds(5);
  /// Is called with what ends one connection only.
  std::function<void(const std::exception&)> on_error;
};

class Chat {
 public:
  explicit Chat(Rules rules = Rules()) : rules_(std::move(rules)) {}
  Chat(const Chat&) = delete;
  Chat& operator=(const Chat&) = delete;

  /// Lets all take part who connect. Ends when say_goodbye() has been called, and all are gone, or
  /// are cut off after their grace. REQUIRES: `listener` outlives the task.
  deferred::Task<> serve(deferred::io::Listener& listener);
  /// Tells all that it is over. Nobody is let in any more: the listener is closed.
  void say_goodbye(deferred::io::Listener& listener);

  /// How many are connected, with a name or without.
  std::size_t size() const noexcept { return clients_.size(); }

 private:
  struct Client;
  class Seat;

  deferred::Task<> take_part(deferred::io::Stream stream);
  static deferred::Task<> deliver(Client& client, deferred::io::Stream& stream);
  deferred::Task<> hear(Client& client, deferred::io::Stream& stream);
  deferred::Task<bool> introduce(Client& client, deferred::io::Stream& stream);
  deferred::Task<> talk(Client& client, deferred::io::Stream& stream);
  deferred::Task<std::optional<std::string>> next_line(Client& client,
                                                       deferred::io::Stream& stream) const;

  void take_name(Client& client, std::string name);
  std::string names_but(const Client& client) const;
  /// To all that have a name but this one.
  void tell_others(const Client& client, const std::string& line);
  static void tell(Client& client, std::string line);

  Rules rules_;
  std::list<Client*> clients_;
  bool over_ = false;
};

}  // namespace chat
