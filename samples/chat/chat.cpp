// SPDX-License-Identifier: MIT
#include "samples/chat/chat.hpp"

#include <algorithm>
#include <utility>

namespace chat {

using namespace deferred;

// One who is connected. What the others say lies in a channel until a task of his own has written
// it: nobody but that one waits for him.
struct Chat::Client {
  explicit Client(std::size_t most_unread) : unread(most_unread) {}

  std::string name;  // empty: he has none yet
  Channel<std::string> unread;
  CancelScope connection;
};

// A client is in the list as long as this lives, however its task ends.
class Chat::Seat {
 public:
  Seat(std::list<Client*>& clients, Client& client)
      : clients_(clients), place_(clients.insert(clients.end(), &client)) {}
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  ~Seat() { clients_.erase(place_); }

 private:
  std::list<Client*>& clients_;
  std::list<Client*>::iterator place_;
};

namespace {

bool is_letter_or_digit(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Others' terminals would do what it says.
bool controls(char c) noexcept { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

}  // namespace

Task<> Chat::serve(io::Listener& listener) {
  io::ServeOptions options;
  options.grace = rules_.grace;
  options.on_error = rules_.on_error;
  const auto serve_one = [this](io::Stream stream) { return take_part(std::move(stream)); };
  co_await io::serve(listener, serve_one, options);
}

void Chat::say_goodbye(io::Listener& listener) {
  over_ = true;
  listener.close();
  for (Client* const client : clients_) {
    tell(*client, "* The chat ends here. Goodbye.");
    client->unread.close();
  }
}

// Ends when all that he is to read is written, or he is let go.
Task<> Chat::take_part(io::Stream stream) {
  if (over_) co_return;  // accepted before, and begun behind that
  Client client(rules_.most_unread);
  const Seat seat(clients_, client);
  const auto both_ways = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(hear(client, stream));
    co_await deliver(client, stream);
    nursery.cancel();
  };
  auto connection = client.connection.run(with_nursery(both_ways));
  const Outcome<bool> kept = co_await as_outcome(std::move(connection));

  client.unread.close();
  const std::string name = std::exchange(client.name, {});
  if (!name.empty()) tell_others(client, "* " + name + " has left.");
  if (!kept.value()) co_return stream.abort();
  // He may be sending still, and is to get the last line all the same.
  co_await io::linger_close(stream);
}

Task<> Chat::deliver(Client& client, io::Stream& stream) {
  auto& unread = client.unread;
  for (auto line = co_await unread.receive(); line; line = co_await unread.receive()) {
    co_await stream.write_all(*line);
  }
}

Task<> Chat::hear(Client& client, io::Stream& stream) {
  try {
    Task<bool> introduction = introduce(client, stream);
    const bool named = co_await with_timeout(rules_.longest_silence, std::move(introduction));
    if (named) co_await talk(client, stream);
  } catch (const TimeoutError&) {
    tell(client, "* You have told no name. Goodbye.");
  } catch (const io::ProtocolError&) {
    tell(client, "* A line has at most " + std::to_string(rules_.longest_line) + " bytes.");
  }
  client.unread.close();
  client.connection.cancel_after(rules_.grace);
}

Task<bool> Chat::introduce(Client& client, io::Stream& stream) {
  tell(client, "* What is your name?");
  while (client.name.empty()) {
    std::optional<std::string> name = co_await next_line(client, stream);
    if (!name) co_return false;
    take_name(client, *std::move(name));
  }
  co_return true;
}

Task<> Chat::talk(Client& client, io::Stream& stream) {
  while (true) {
    const std::optional<std::string> line = co_await next_line(client, stream);
    if (!line) co_return;
    if (line->starts_with('/')) {
      tell(client, "* There is no " + *line + ", there is /quit.");
    } else {
      tell_others(client, client.name + ": " + *line);
    }
  }
}

// Nothing if he ends. One line a turn: however much one says at once, those who read do not fall
// behind.
Task<std::optional<std::string>> Chat::next_line(Client& client, io::Stream& stream) const {
  co_await Pause{};
  std::optional<std::string> line = co_await io::read_line(stream, rules_.longest_line);
  if (line == "/quit") {
    tell(client, "* Goodbye.");
    line.reset();
  }
  if (line) std::replace_if(line->begin(), line->end(), controls, '?');
  co_return line;
}

void Chat::take_name(Client& client, std::string name) {
  const bool good = !name.empty() && name.size() <= rules_.longest_name &&
                    std::all_of(name.begin(), name.end(), is_letter_or_digit);
  if (!good) {
    return tell(client, "* A name has 1 to " + std::to_string(rules_.longest_name) +
                            " letters and digits. What is your name?");
  }
  const auto has_it = [&name](const Client* other) { return other->name == name; };
  if (std::any_of(clients_.begin(), clients_.end(), has_it)) {
    return tell(client, "* There is a " + name + ". What is your name?");
  }
  client.name = std::move(name);
  tell(client, "* Welcome, " + client.name + ". Here are: " + names_but(client));
  tell_others(client, "* " + client.name + " is here.");
}

std::string Chat::names_but(const Client& client) const {
  std::string names;
  for (const Client* const other : clients_) {
    if (other == &client || other->name.empty()) continue;
    names += (names.empty() ? "" : ", ") + other->name;
  }
  return names.empty() ? "nobody else" : names;
}

void Chat::tell_others(const Client& client, const std::string& line) {
  for (Client* const other : clients_) {
    if (other != &client && !other->name.empty()) tell(*other, line);
  }
}

void Chat::tell(Client& client, std::string line) {
  if (client.unread.is_closed()) return;
  line += '\n';
  if (client.unread.try_send(std::move(line))) return;
  client.unread.close();
  client.connection.cancel();
}

}  // namespace chat
