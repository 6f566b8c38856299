#include "broker/metrics.h"

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

namespace skald::broker {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double kNsPerSecond = 1e9;

class Families {
  public:
    void add(MetricType type, std::string name, std::string help, double value) {
        MetricFamily& family = make(type, std::move(name), std::move(help));
        set(family, {}, value);
    }
    MetricFamily& make(MetricType type, std::string name, std::string help) {
        MetricFamily& family = families_.emplace_back();
        family.name = std::move(name);
        family.help = std::move(help);
        family.type = type;
        return family;
    }
    static void set(MetricFamily& family, std::vector<ClientMetric::Label> labels, double value) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.counter.value = metric.gauge.value = value;
        family.metric.push_back(std::move(metric));
    }
    static void set(MetricFamily& family, std::vector<ClientMetric::Label> labels,
                    const Histogram& histogram) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.histogram.sample_count = histogram.count;
        metric.histogram.sample_sum = static_cast<double>(histogram.sum_ns) / kNsPerSecond;
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < histogram.buckets.size(); ++i) {
            below += histogram.buckets[i];
            const double bound = i < kBucketsNs.size()
                                     ? static_cast<double>(kBucketsNs[i]) / kNsPerSecond
                                     : std::numeric_limits<double>::infinity();
            metric.histogram.bucket.push_back({below, bound});
        }
        family.metric.push_back(std::move(metric));
    }
    std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

  private:
    std::vector<MetricFamily> families_;
};

double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    double total = 0;
    double resident = 0;
    statm >> total >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void add_stages(Families& f, const NodeStats& stats) {
    Families::set(f.make(MetricType::Histogram, "skald_request_seconds",
                         "From the arrival of an append at the node to its answer."),
                  {}, stats.stages.request);
    MetricFamily& stages = f.make(MetricType::Histogram, "skald_stage_seconds",
                                  "Where appends spend that time; the stages add up to it.");
    for (std::size_t i = 0; i < kStages; ++i) {
        Families::set(stages, {{"stage", kStageNames[i]}}, stats.stages.stages[i]);
    }
    MetricFamily& busy = f.make(MetricType::Gauge, "skald_stage_busy_ratio",
                                "Share of the last tick that a thread worked on the stage.");
    for (std::size_t i = 0; i < kStages; ++i) {
        Families::set(busy, {{"stage", kStageNames[i]}}, stats.busy_ratio[i]);
    }
}

void add_counters(Families& f, const RouterCounters& c) {
    const auto counter = [&f](const char* name, const char* help, std::uint64_t value) {
        f.add(MetricType::Counter, name, help, static_cast<double>(value));
    };
    counter("skald_messages_received_total", "Messages off the sockets.", c.messages);
    counter("skald_received_bytes_total", "Bytes off the sockets.", c.bytes);
    counter("skald_requests_written_total", "Appends and changes answered with a receipt.",
            c.requests);
    counter("skald_events_written_total", "Events written for clients.", c.events);
    counter("skald_batches_written_total", "Commits with requests of clients.", c.commits);
    counter("skald_events_delivered_total", "Events sent in pages and deliveries.",
            c.delivered_events);
    counter("skald_delivered_bytes_total", "Bytes sent in pages and deliveries.",
            c.delivered_bytes);
    counter("skald_ephemeral_published_total", "Ephemeral events taken from publishers.",
            c.ephemeral_published);
    counter("skald_ephemeral_delivered_total", "Ephemeral events sent to subscriptions.",
            c.ephemeral_delivered);
    counter("skald_ephemeral_dropped_total",
            "Ephemeral events that a subscription had no credit or room for.", c.ephemeral_dropped);
    counter("skald_malformed_total", "Messages that were not understood.", c.malformed);
    counter("skald_discarded_total", "Messages beyond credit, discarded unread.", c.discarded);
    counter("skald_strangers_total", "Messages of connections without a session.", c.strangers);
    counter("skald_sessions_expired_total", "Sessions that fell silent.", c.expired);
    MetricFamily& rejected =
        f.make(MetricType::Counter, "skald_rejected_total", "Refused requests by error class.");
    for (std::uint8_t i = 1; i < std::size(c.rejected); ++i) {
        const std::string name(name_of(static_cast<ErrorClass>(i)));
        Families::set(rejected, {{"class", name}}, static_cast<double>(c.rejected[i]));
    }
}

void add_services(Families& f, const NodeStats& stats) {
    const auto counter = [&f](const char* name, const char* help, std::uint64_t value) {
        f.add(MetricType::Counter, name, help, static_cast<double>(value));
    };
    const ServiceTable::Counters& c = stats.services;
    counter("skald_service_requests_total", "Requests to services.", c.requests);
    counter("skald_service_replies_total", "Of them answered by a worker.", c.replies);
    counter("skald_service_unserved_total", "Of them refused because nobody served.", c.unserved);
    counter("skald_service_busy_total", "Of them refused at a bound.", c.busy);
    counter("skald_service_timed_out_total", "Of them not answered in time.", c.timed_out);
    counter("skald_service_abandoned_total", "Of them with a worker that left.", c.abandoned);
    counter("skald_service_late_total", "Responses that nobody waited for any more.", c.late);
    f.add(MetricType::Gauge, "skald_service_workers", "Workers of services.",
          static_cast<double>(stats.workers));
    f.add(MetricType::Gauge, "skald_service_unanswered", "Requests to services under way.",
          static_cast<double>(stats.service_requests));
}

void add_consumers(Families& f, const std::vector<ConsumerStatus>& consumers) {
    const auto each = [&](MetricType type, const char* name, const char* help, auto value) {
        MetricFamily& family = f.make(type, name, help);
        for (const ConsumerStatus& consumer : consumers) {
            Families::set(family, {{"consumer", consumer.settings.name}},
                          static_cast<double>(value(consumer)));
        }
    };
    using Status = const ConsumerStatus&;
    each(MetricType::Counter, "skald_consumer_done_total",
         "Events acknowledged, skipped, purged, expired or dropped.",
         [](Status c) { return c.done; });
    each(MetricType::Counter, "skald_consumer_expired_total", "Of them expired.",
         [](Status c) { return c.expired; });
    each(MetricType::Counter, "skald_consumer_dropped_total", "Of them dropped: a queue was full.",
         [](Status c) { return c.dropped; });
    each(MetricType::Counter, "skald_consumer_failures_total",
         "Deliveries answered with retry, or not in time.", [](Status c) { return c.failures; });
    each(MetricType::Gauge, "skald_consumer_in_flight", "Events with members.",
         [](Status c) { return c.in_flight; });
    each(MetricType::Gauge, "skald_consumer_waiting", "Events known that no member has.",
         [](Status c) { return c.waiting; });
    each(MetricType::Gauge, "skald_consumer_parked", "Events parked.",
         [](Status c) { return c.parked; });
    each(MetricType::Gauge, "skald_consumer_queue_events", "Events of a queue that are not done.",
         [](Status c) { return c.queue_count; });
    each(MetricType::Gauge, "skald_consumer_queue_bytes", "Their bytes.",
         [](Status c) { return c.queue_bytes; });
    each(MetricType::Gauge, "skald_consumer_behind", "Records of the log not looked at yet.",
         [](Status c) { return c.behind; });
    each(MetricType::Gauge, "skald_consumer_drain_seconds",
         "Until nothing waits or is behind, at the rates of now; NaN when that is never.",
         [](Status c) { return c.drain_seconds.value_or(std::nan("")); });
    each(MetricType::Gauge, "skald_consumer_members", "Members.",
         [](Status c) { return c.member_count; });
}

}  // namespace

std::string metrics_text(const NodeStats& stats, const store::VolumeInfo& info,
                         const std::vector<ConsumerStatus>& consumers, const CoordStats& coord) {
    Families f;
    const auto gauge = [&f](const char* name, const char* help, std::size_t value) {
        f.add(MetricType::Gauge, name, help, static_cast<double>(value));
    };
    add_stages(f, stats);
    add_counters(f, stats.counters);
    add_services(f, stats);
    add_consumers(f, consumers);
    f.add(MetricType::Counter, "skald_receive_holds_total",
          "Times that reading stopped because the node had not taken what came.",
          static_cast<double>(stats.holds));
    f.add(MetricType::Counter, "skald_coord_requests_total",
          "Requests to the coordination store, polls included.",
          static_cast<double>(coord.requests));
    gauge("skald_coord_polls", "Watches of the coordination store that wait.", coord.polls);
    gauge("skald_sessions", "Clients connected.", stats.sessions);
    gauge("skald_subscriptions", "Subscriptions of clients.", stats.subscriptions);
    gauge("skald_requests_in_flight", "Appends taken and not yet decided.", stats.in_flight);
    gauge("skald_send_queued_bytes", "Bytes handed to the sockets and not yet gone.",
          stats.queued_bytes);
    gauge("skald_request_memory_bytes", "Memory that holds requests.", stats.arena_bytes);
    gauge("skald_log_events", "Records in the log.", info.events);
    gauge("skald_log_file_bytes", "Size of the data file.", info.file_bytes);
    gauge("skald_log_used_bytes", "Bytes of it in use.", info.used_bytes);
    gauge("skald_store_owned_bytes", "Memory the store owns.", info.owned_bytes);
    f.add(MetricType::Gauge, "process_resident_memory_bytes",
          "Resident memory, mapped files included.", resident_bytes());
    return f.text();
}

std::string info_json(const store::VolumeInfo& info, const std::vector<std::string>& endpoints) {
    std::string listen;
    for (const std::string& endpoint : endpoints) {
        listen += fmt::format("{}\"{}\"", listen.empty() ? "" : ",", endpoint);
    }
    std::string partitions;
    for (const store::PartitionInfo& p : info.partitions) {
        partitions += fmt::format(
            R"({}{{"partition":{},"lineage":"{}","epoch":{},"start":{},"high_watermark":{}}})",
            partitions.empty() ? "" : ",", p.partition.value, to_string(p.lineage), p.epoch.value,
            p.start.value, p.high_watermark.value);
    }
    return fmt::format(R"({{"node":"{}","cluster":"{}","listen":[{}],"events":{},"file_bytes":{},)"
                       R"("partitions":[{}]}})"
                       "\n",
                       to_string(info.node), to_string(info.cluster), listen, info.events,
                       info.file_bytes, partitions);
}

}  // namespace skald::broker
