// SPDX-License-Identifier: MIT
#include "deferred/testing/simulation/mailbox.hpp"

#include <algorithm>
#include <utility>

#include "deferred/testing/simulation/world.hpp"

namespace deferred::testing::simulation {
namespace {

using Family = io::Address::Family;

// What an IP packet has room for.
std::size_t most_in_a_datagram(Family family) noexcept {
  return family == Family::ipv6 ? 65'527 : 65'507;
}

}  // namespace

Mailbox::Mailbox(Machine& machine, const io::Address& at, const io::ListenOptions& options)
    : Party(machine.world().next_id()),
      world_(&machine.world()),
      machine_(machine),
      at_(at),
      is_shared_(options.share_port) {}

void Mailbox::close() noexcept {
  machine_.remove(*this);
  transport_ = nullptr;
  inbox_.clear();
  kept_ = 0;
}

io::Address Mailbox::source_for(const io::Address& to, const std::string& what) const {
  if (to.port() == 0) fail(std::errc::invalid_argument, what);
  const bool takes_both = at_.is_any() && at_.family() == Family::ipv6;
  if (to.family() != at_.family() && !(takes_both && to.family() == Family::ipv4)) {
    fail(std::errc::address_family_not_supported, what);
  }
  if (at_.is_any()) {
    const io::Address own =
        to.is_loopback() ? machine_.loopback(to.family()) : machine_.address(to.family());
    return own.with_port(at_.port());
  }
  if (at_.is_loopback() && !machine_.is_own(to)) fail(std::errc::invalid_argument, what);
  return at_;
}

void Mailbox::connect(const io::Address& peer, const std::string& what) {
  machine_.machine_at(peer, what);
  at_ = source_for(peer, what);
  peer_ = peer;
  std::erase_if(inbox_, [&](const Mail& mail) {
    const bool is_others = mail.from != peer;
    if (is_others) kept_ -= mail.bytes.size();
    return is_others;
  });
}

std::optional<io::Received> Mailbox::receive(std::span<char> into) {
  if (inbox_.empty()) return std::nullopt;
  const Mail mail = std::move(inbox_.front());
  inbox_.pop_front();
  kept_ -= mail.bytes.size();
  const std::size_t size = mail.bytes.copy(into.data(), into.size());
  return io::Received(size, mail.from, size < mail.bytes.size());
}

void Mailbox::send(std::string_view data, const io::Address& to, const std::string& what) {
  const io::Address from = source_for(to, what);
  Machine& receiver = machine_.machine_at(to, what);
  if (data.size() > most_in_a_datagram(to.family())) fail(std::errc::message_size, what);
  const Held<Parcel> parcel(new Parcel(*world_, machine_, receiver, from, to, data));
  parcel->leave();
}

std::errc Mailbox::take_error() noexcept { return std::exchange(error_, std::errc()); }

void Mailbox::put(const io::Address& from, std::string bytes) {
  if (kept_ + bytes.size() > most_kept) return;
  kept_ += bytes.size();
  inbox_.push_back({from, std::move(bytes)});
  if (transport_) transport_->report(What::is_readable);
}

void Mailbox::refused() {
  error_ = std::errc::connection_refused;
  if (transport_) transport_->report(What::is_readable);
}

void Mailbox::tell_later(What what) {
  bool& tells = what == What::is_readable ? tells_readable_ : tells_writable_;
  if (tells) return;
  world_->events.post(world_->events.now(), *this, {.what = what});
  tells = true;
}

void Mailbox::happens(const Happening& happening) {
  (happening.what == What::is_readable ? tells_readable_ : tells_writable_) = false;
  if (transport_) transport_->report(happening.what);
}

std::string Mailbox::text(const Happening& happening) const {
  return machine_.name() + " " + at_.text() + " #" + std::to_string(id()) + " " +
         name_of(happening.what);
}

Parcel::Parcel(World& world, Machine& sender, Machine& receiver, const io::Address& from,
               const io::Address& to, std::string_view bytes)
    : Party(world.next_id()),
      world_(&world),
      sender_(sender),
      receiver_(receiver),
      link_(world.links.between(sender.number(), receiver.number())),
      from_(from),
      to_(to),
      bytes_(bytes) {}

bool Parcel::is_passable() const {
  return world_->is_passable(link_, sender_, receiver_, to_.family());
}

void Parcel::leave() {
  const LinkState::Datagrams fate = world_->links.datagrams(link_);
  const bool is_lost = fate.lost > 0 && world_->is_fault(fate.lost);
  const bool comes_twice = fate.doubled > 0 && world_->is_fault(fate.doubled);
  if (is_lost || !is_passable()) return;
  Happening happening{.what = What::datagram};
  happening.bytes = static_cast<std::uint32_t>(bytes_.size());
  for (int i = 0; i < (comes_twice ? 2 : 1); ++i) {
    world_->events.post(world_->arrival(link_, sender_, receiver_, happening.bytes), *this,
                        happening);
  }
}

void Parcel::happens(const Happening& happening) {
  if (!is_passable()) return;
  if (happening.what == What::datagram) return arrives();
  Mailbox* const mailbox = sender_.mailbox_at(from_, to_);
  if (mailbox && mailbox->is_connected()) mailbox->refused();
}

void Parcel::arrives() {
  if (Mailbox* const mailbox = receiver_.mailbox_at(to_, from_)) return mailbox->put(from_, bytes_);
  world_->events.post(world_->arrival(link_, receiver_, sender_, 0), *this,
                      {.what = What::refused, .side = 1});
}

std::string Parcel::text(const Happening& happening) const {
  const bool is_back = happening.what == What::refused;
  const Machine& from = is_back ? receiver_ : sender_;
  const Machine& to = is_back ? sender_ : receiver_;
  std::string text =
      from.name() + " > " + to.name() + " #" + std::to_string(id()) + " " + name_of(happening.what);
  if (happening.bytes != 0) text += " " + std::to_string(happening.bytes);
  if (!is_passable()) text += ", lost";
  return text;
}

SimulatedDatagrams::SimulatedDatagrams(Reactor& reactor, OpenDescriptor descriptor,
                                       Held<Mailbox> mailbox)
    : DatagramTransport(reactor, to_receive_, to_send_),
      descriptor_(std::move(descriptor)),
      mailbox_(std::move(mailbox)),
      to_receive_(*mailbox_, reactor, What::is_readable),
      to_send_(*mailbox_, reactor, What::is_writable) {
  mailbox_->open(*this);
}

SimulatedDatagrams::~SimulatedDatagrams() {
  if (is_open()) mailbox_->close();
}

std::optional<io::Received> SimulatedDatagrams::try_receive(std::span<char> into) {
  if (!mailbox_->is_readable() || mailbox_->machine().world().blocks()) return std::nullopt;
  const std::errc error = mailbox_->take_error();
  if (error != std::errc()) fail(error, receiving());
  return mailbox_->receive(into);
}

bool SimulatedDatagrams::try_send(std::string_view data, const io::Address& to) {
  if (mailbox_->machine().world().blocks()) return false;
  const std::string what = sending_to(to);
  const std::errc error = mailbox_->take_error();
  if (error != std::errc()) fail(error, what);
  mailbox_->send(data, to, what);
  return true;
}

void SimulatedDatagrams::report(What what) noexcept {
  Direction& direction = what == What::is_readable ? to_receive_ : to_send_;
  if (direction.waited_for()) direction.report();
}

io::Address SimulatedDatagrams::do_connect(const io::Address& to) {
  mailbox_->connect(to, "connect to " + to.text());
  return to;
}

void SimulatedDatagrams::do_close() noexcept {
  mailbox_->close();
  descriptor_.close();
}

}  // namespace deferred::testing::simulation
