// SPDX-License-Identifier: MIT
// The behaviours that Twisted's own suite tries on each reactor (twisted/internet/test: test_core,
// test_time, test_fdset, test_threads, test_tcp with its mixins; Twisted 22.4), each with the case
// that stands for it here, or the reason why there is none.
#include <map>
#include <sstream>
#include <string>

#include "deferred/testing/reactor_conformance.hpp"

namespace deferred::testing {
namespace {

struct Behaviour {
  const char* name;     // "MODULE.TEST", without its "test_"
  const char* why_not;  // why no case stands for it; null: one does
};

constexpr const char* types = "the type system says it: there is nothing to try at run time";
constexpr const char* no_log = "the library keeps no log: errors name the operation and the peer";
constexpr const char* no_scope = "addresses with a scope are not taken (Errc::not_an_address)";
constexpr Behaviour behaviours[] = {
    {"core.callWhenRunningOrder", nullptr},
    {"core.crash", nullptr},
    {"core.iterate", nullptr},
    {"core.multipleRun", nullptr},
    {"core.runAfterCrash", nullptr},
    {"core.runAfterStop", nullptr},
    {"core.runWithAsynchronousBeforeStartupTrigger",
     "there are no startup triggers: call_when_running comes after the start"},
    {"core.runningForStartupEvents", nullptr},
    {"core.shutdownDisconnectsCleanly", nullptr},
    {"core.shutdownFiresTriggersAsynchronously", nullptr},
    {"core.signalHandlersInstalledDuringStartup", nullptr},
    {"core.stopShutDownEvents", nullptr},
    {"core.stopWhenAlreadyStopped", nullptr},
    {"core.stopWhenNotStarted", nullptr},
    {"time.delayedCallStopsReactor", nullptr},
    {"time.distantDelayedCall", nullptr},
    {"fdset.addReader", nullptr},
    {"fdset.addWriter", nullptr},
    {"fdset.connectionLostOnShutdown", nullptr},
    {"fdset.getReaders", nullptr},
    {"fdset.getWriters", nullptr},
    {"fdset.lostFileDescriptor", nullptr},
    {"fdset.negativeOneFileDescriptor", nullptr},
    {"fdset.removeAll", nullptr},
    {"fdset.removeReader", nullptr},
    {"fdset.removeWriter", nullptr},
    {"fdset.removedFromReactor", nullptr},
    {"threads.callFromThread", nullptr},
    {"threads.cleanUpThreadPoolEvenBeforeReactorIsRun", nullptr},
    {"threads.delayedCallFromThread", nullptr},
    {"threads.getThreadPool", nullptr},
    {"threads.isInIOThread", nullptr},
    {"threads.isNotInIOThread", nullptr},
    {"threads.stopThreadPool", nullptr},
    {"threads.stopThreadPoolWhenStartedAfterReactorRan", nullptr},
    {"threads.suggestThreadPoolSize", nullptr},
    {"threads.threadPoolCurrentThreadDeprecated", "about a deprecated name of Twisted's"},
    {"tcp.clientAbortsConnectionThenLosesConnection", nullptr},
    {"tcp.clientAbortsConnectionTwice", nullptr},
    {"tcp.dataReceivedAbort", nullptr},
    {"tcp.dataReceivedThrows", nullptr},
    {"tcp.fullWriteBuffer", nullptr},
    {"tcp.fullWriteBufferAfterByteExchange", nullptr},
    {"tcp.resumeProducingAbort", nullptr},
    {"tcp.resumeProducingAbortLater", nullptr},
    {"tcp.resumeProducingThrows", nullptr},
    {"tcp.serverAbortsConnectionThenLosesConnection", nullptr},
    {"tcp.serverAbortsConnectionTwice", nullptr},
    {"tcp.logPrefix", no_log},
    {"tcp.protocolGarbageAfterLostConnection", nullptr},
    {"tcp.writeAfterDisconnect", nullptr},
    {"tcp.clientConnectionFailedStopsReactor", nullptr},
    {"tcp.connectEvent", nullptr},
    {"tcp.disconnectWhileProducing", nullptr},
    {"tcp.interface", types},
    {"tcp.unregisterProducerAfterDisconnect", nullptr},
    {"tcp.closePeerOnEMFILE", nullptr},
    {"tcp.connectionLostLogMsg", no_log},
    {"tcp.startedListeningLogMessage", no_log},
    {"tcp.addresses", nullptr},
    {"tcp.badContext", "there is no TLS"},
    {"tcp.buildProtocolReturnsNone", nullptr},
    {"tcp.connectionLostAfterPausedTransport", nullptr},
    {"tcp.doubleHalfClose", nullptr},
    {"tcp.resumeProducing", nullptr},
    {"tcp.resumeProducingWhileDisconnected", nullptr},
    {"tcp.resumeProducingWhileDisconnecting", nullptr},
    {"tcp.stopStartReading", nullptr},
    {"tcp.connectorIdentity", "there is no connector object: an attempt is a Task"},
    {"tcp.reconnect", nullptr},
    {"tcp.userFail", nullptr},
    {"tcp.buildProtocolIPv4Address", nullptr},
    {"tcp.buildProtocolIPv6Address", nullptr},
    {"tcp.buildProtocolIPv6AddressScopeID", no_scope},
    {"tcp.portGetHostOnIPv4", nullptr},
    {"tcp.portGetHostOnIPv6", nullptr},
    {"tcp.portGetHostOnIPv6ScopeID", no_scope},
    {"tcp.serverGetHostOnIPv4", nullptr},
    {"tcp.serverGetHostOnIPv6", nullptr},
    {"tcp.serverGetHostOnIPv6ScopeID", no_scope},
    {"tcp.serverGetPeerOnIPv4", nullptr},
    {"tcp.serverGetPeerOnIPv6", nullptr},
    {"tcp.serverGetPeerOnIPv6ScopeID", no_scope},
    {"tcp.serverAddressTCP4", nullptr},
    {"tcp.serverAddressTCP6", nullptr},
    {"tcp.nonStreamingProducer", nullptr},
    {"tcp.streamingProducer", nullptr},
    {"tcp.writeSequeceWithoutWrite", nullptr},
    {"tcp.writeSequenceWithUnicodeRaisesException", types},
};

/// Behaviour -> "GROUP: NAME" of the first case that names it.
std::map<std::string, std::string> cases_by_behaviour() {
  std::map<std::string, std::string> all;
  for (const ConformanceCase& one : conformance_cases()) {
    std::istringstream names(one.twisted);
    for (std::string name; names >> name;) {
      all.emplace(name, std::string(one.group) + ": " + one.name);
    }
  }
  return all;
}

}  // namespace

std::string twisted_coverage() {
  auto cases = cases_by_behaviour();
  std::string text;
  std::size_t covered = 0, excused = 0, open = 0;
  for (const Behaviour& behaviour : behaviours) {
    text += std::string(behaviour.name) + " -> ";
    const auto found = cases.find(behaviour.name);
    if (found != cases.end()) {
      ++covered;
      text += found->second;
      cases.erase(found);
    } else if (behaviour.why_not) {
      ++excused;
      text += std::string("does not apply: ") + behaviour.why_not;
    } else {
      ++open;
      text += "NO CASE";
    }
    text += "\n";
  }
  for (const auto& [name, where] : cases) {
    ++open;
    text += name + " -> UNKNOWN BEHAVIOUR, named by " + where + "\n";
  }
  return text + "twisted: " + std::to_string(covered) + " have a case, " + std::to_string(excused) +
         " do not apply, " + std::to_string(open) + " are open\n";
}

}  // namespace deferred::testing
