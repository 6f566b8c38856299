#include "broker/service_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/limits.h"

namespace skald::broker {
namespace {

namespace msg = wire::msg;

Error nobody_serves(std::string_view service) {
    return {Errc::not_ready, fmt::format("nobody serves {}", service)};
}

}  // namespace

Result<void> ServiceTable::serve(const ServiceClient& worker, const msg::Serve& serve,
                                 Monotonic now, Out& out) {
    if (serve.weight == 0 || serve.weight > kWorkerWeightMax || serve.capacity == 0 ||
        serve.capacity > kWorkerCapacityMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("weight {} of 1-{}, capacity {} of 1-{}", serve.weight,
                                 kWorkerWeightMax, serve.capacity, kWorkerCapacityMax));
    }
    const auto mine = worker_names_.lower_bound({worker.serial, 0});
    const auto end = worker_names_.lower_bound({worker.serial + 1, 0});
    const auto count = static_cast<std::size_t>(std::distance(mine, end));
    const std::size_t most = worker == kHere ? kWorkersMax : kSessionWorkersMax;
    if (worker_names_.size() >= kWorkersMax || count >= most) {
        return Error(Errc::busy, fmt::format("{} workers already", worker_names_.size()));
    }
    const WorkerKey key{worker.serial, serve.id};
    if (worker_names_.contains(key)) {
        return Error(Errc::already_exists, "this id serves already");
    }
    const auto at = services_.try_emplace(serve.service, Service{serve.balance, {}, {}}).first;
    Service& service = at->second;
    if (service.balance != serve.balance) {
        return Error(Errc::already_exists,
                     fmt::format("{} is balanced in another way", serve.service));
    }
    worker_names_.emplace(key, at);
    for (Worker& other : service.workers) {
        other.turn = 0;
    }
    service.workers.push_back(
        {worker, serve.id, std::int64_t{serve.weight}, serve.capacity, 0, {}});
    hand_out(at, now, out);
    return {};
}

Result<void> ServiceTable::unserve(const ServiceClient& worker, std::uint64_t id, Monotonic now,
                                   Out& out) {
    const auto known = worker_names_.find({worker.serial, id});
    if (known == worker_names_.end()) {
        return Error(Errc::not_found, "nothing is served under this id");
    }
    const auto service = known->second;
    const auto& workers = service->second.workers;
    const auto at = std::find_if(workers.begin(), workers.end(),
                                 [&](const Worker& w) { return w.client == worker && w.id == id; });
    worker_names_.erase(known);
    remove_worker(service, static_cast<std::size_t>(at - workers.begin()), now, out);
    return {};
}

Result<void> ServiceTable::request(const ServiceClient& from, const msg::Request& request,
                                   Frame payload, Monotonic now, Out& out) {
    ++counters_.requests;
    const auto service = services_.find(request.service);
    if (service == services_.end()) {
        ++counters_.unserved;
        return nobody_serves(request.service);
    }
    if (request.deadline_ms == 0) {
        return Error(Errc::invalid_argument, "a request without time to be answered");
    }
    const auto asked = asked_.find(from.serial);
    if (service->second.queue.size() >= kServiceQueueMax ||
        (asked != asked_.end() && asked->second.size() >= kSessionCallsMax)) {
        ++counters_.busy;
        return Error(Errc::busy,
                     fmt::format("{} has all the requests it can hold", request.service));
    }
    const std::uint64_t number = next_number_++;
    Request kept;
    kept.from = from;
    kept.id = request.id;
    kept.service = service;
    kept.deadline = now + std::min<std::chrono::milliseconds>(
                              std::chrono::milliseconds(request.deadline_ms), kServiceTimeMax);
    kept.bytes = payload->size();
    kept.payload = std::move(payload);
    bytes_ += kept.bytes + kRequestCost;
    asked_[from.serial].insert(number);
    deadlines_.emplace(kept.deadline, number);
    requests_.emplace(number, std::move(kept));
    service->second.queue.push_back(number);
    ++queued_;
    hand_out(service, now, out);
    return {};
}

// What is handed out in one step is not with the socket yet.
bool ServiceTable::free(const Worker& worker, const Out& out) const {
    if (worker.taken.size() >= worker.capacity) {
        return false;
    }
    const auto handed = out.bytes.find(worker.client.serial);
    return room_(worker.client) > (handed == out.bytes.end() ? 0 : handed->second);
}

// The one whose turn is highest gets it: weights 3 and 1 give a, a, b, a. Whoever is full is passed
// over; with least_outstanding, whoever has more than another.
ServiceTable::Worker* ServiceTable::pick(Service& service, const Out& out) const {
    const bool least = service.balance == Balance::least_outstanding;
    std::size_t bound = static_cast<std::size_t>(-1);
    for (const Worker& worker : service.workers) {
        bound = least && free(worker, out) ? std::min(bound, worker.taken.size()) : bound;
    }
    Worker* next = nullptr;
    std::int64_t sum = 0;
    for (Worker& worker : service.workers) {
        if (!free(worker, out) || worker.taken.size() > bound) {
            continue;
        }
        const bool weighted = service.balance == Balance::weighted;
        const std::int64_t weight = weighted ? worker.weight : 1;
        worker.turn += weight;
        sum += weight;
        if (next == nullptr || worker.turn > next->turn) {
            next = &worker;
        }
    }
    if (next != nullptr) {
        next->turn -= sum;
    }
    return next;
}

void ServiceTable::hand_out(Services::iterator service, Monotonic now, Out& out) {
    std::deque<std::uint64_t>& queue = service->second.queue;
    while (!queue.empty()) {
        Worker* worker = pick(service->second, out);
        if (worker == nullptr) {
            return;
        }
        const std::uint64_t number = queue.front();
        Request& request = requests_.at(number);
        worker->taken.insert(number);
        request.worker = worker->client;
        out.bytes[worker->client.serial] += request.payload->size() + kRequestCost;
        out.calls.push_back({worker->client, worker->id, number,
                             std::max(request.deadline - now, Monotonic{}),
                             std::move(request.payload)});
        queue.pop_front();
        --queued_;
    }
}

void ServiceTable::erase(Requests::iterator request) {
    bytes_ -= kRequestCost;
    requests_.erase(request);
}

// From here on nobody waits for it.
void ServiceTable::settle(Request& request, std::uint64_t number) {
    bytes_ -= request.bytes;
    request.bytes = 0;
    deadlines_.erase({request.deadline, number});
    if (const auto asked = asked_.find(request.from.serial); asked != asked_.end()) {
        asked->second.erase(number);
        if (asked->second.empty()) {
            asked_.erase(asked);
        }
    }
    request.from.serial = 0;
}

void ServiceTable::end(std::uint64_t number, Result<Frame> reply, Out& out) {
    Request& request = requests_.at(number);
    out.answers.push_back({request.from.peer, request.id, std::move(reply)});
    settle(request, number);
}

// One that no worker has is forgotten; a worker's place stays taken until it responds.
void ServiceTable::withdraw(std::uint64_t number) {
    const auto found = requests_.find(number);
    if (!found->second.worker) {
        queued_ -= std::erase(found->second.service->second.queue, number);
        erase(found);
    }
}

Result<void> ServiceTable::respond(const ServiceClient& worker, std::uint64_t number,
                                   Result<Frame> reply, Monotonic now, Out& out) {
    const auto found = requests_.find(number);
    if (number == 0 || number >= next_number_ ||
        (found != requests_.end() && found->second.worker != worker)) {
        return Error(Errc::malformed, "a response to what was not asked");
    }
    if (found == requests_.end()) {  // of a worker that ended meanwhile
        ++counters_.late;
        return {};
    }
    Request& request = found->second;
    const auto service = request.service;
    for (Worker& one : service->second.workers) {
        if (one.taken.erase(number) != 0) {
            break;
        }
    }
    if (request.from.serial == 0) {
        ++counters_.late;
    } else {
        ++counters_.replies;
        end(number, std::move(reply), out);
    }
    erase(found);
    hand_out(service, now, out);
    return {};
}

void ServiceTable::remove_worker(Services::iterator service, std::size_t at, Monotonic now,
                                 Out& out) {
    std::vector<Worker>& workers = service->second.workers;
    const Worker left = std::move(workers[at]);
    workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(at));
    for (const std::uint64_t number : left.taken) {
        Request& request = requests_.at(number);
        if (request.from.serial != 0) {
            ++counters_.abandoned;
            end(number,
                Error(Errc::outcome_unknown,
                      fmt::format("the worker of {} that had it left", service->first)),
                out);
        }
        erase(requests_.find(number));
    }
    if (!workers.empty()) {
        hand_out(service, now, out);
        return;
    }
    for (const std::uint64_t number : service->second.queue) {
        ++counters_.unserved;
        end(number, nobody_serves(service->first), out);
        erase(requests_.find(number));
        --queued_;
    }
    services_.erase(service);
}

void ServiceTable::forget(const ServiceClient& client, Monotonic now, Out& out) {
    // Its requests first: it gets no answers any more.
    if (const auto asked = asked_.find(client.serial); asked != asked_.end()) {
        const std::set<std::uint64_t> numbers = asked->second;
        for (const std::uint64_t number : numbers) {
            settle(requests_.at(number), number);
            withdraw(number);
        }
    }
    while (true) {
        const auto mine = worker_names_.lower_bound({client.serial, 0});
        if (mine == worker_names_.end() || mine->first.first != client.serial) {
            return;
        }
        (void)unserve(client, mine->first.second, now, out);
    }
}

void ServiceTable::tick(Monotonic now, Out& out) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        time_out(deadlines_.begin()->second, out);
    }
}

void ServiceTable::go_on(Monotonic now, Out& out) {
    if (queued_ == 0) {
        return;
    }
    for (auto service = services_.begin(); service != services_.end(); ++service) {
        hand_out(service, now, out);
    }
}

std::vector<std::string> ServiceTable::names(
    std::string_view prefix, const std::function<bool(const std::string&)>& passes) const {
    std::vector<std::string> found;
    for (auto service = services_.lower_bound(prefix);
         service != services_.end() && service->first.starts_with(prefix); ++service) {
        if (passes(service->first)) {
            found.push_back(service->first);
        }
    }
    return found;
}

void ServiceTable::time_out(std::uint64_t number, Out& out) {
    const Request& request = requests_.at(number);
    const std::string& service = request.service->first;
    ++counters_.timed_out;
    end(number,
        request.worker
            ? Error(Errc::outcome_unknown,
                    fmt::format("a worker of {} got it and did not answer in time", service))
            : Error(Errc::timed_out, fmt::format("no worker of {} had room in time", service)),
        out);
    withdraw(number);
}

}  // namespace skald::broker
