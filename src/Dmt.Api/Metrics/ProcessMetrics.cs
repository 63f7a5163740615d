using System.Diagnostics;
using System.Globalization;

namespace Dmt.Api.Metrics;

/// <summary>What the process and its garbage collector take, under the names that Prometheus users know.</summary>
internal static class ProcessMetrics
{
    public static void WriteTo(PrometheusWriter to)
    {
        using var process = Process.GetCurrentProcess();
        var start = new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0;
        to.Single("process_start_time_seconds", "gauge", "Start of the process, in seconds since 1970.", start);
        to.Single(
            "process_cpu_seconds_total",
            "counter",
            "Processor time, user and system.",
            process.TotalProcessorTime.TotalSeconds);
        to.Single("process_resident_memory_bytes", "gauge", "Resident memory.", process.WorkingSet64);
        to.Single("process_threads", "gauge", "Threads of the process.", process.Threads.Count);
        to.Single(
            "dotnet_gc_heap_bytes", "gauge", "Live and dead objects on the managed heap.", GC.GetTotalMemory(false));
        to.Single(
            "dotnet_gc_committed_bytes",
            "gauge",
            "Memory committed by the collector.",
            GC.GetGCMemoryInfo().TotalCommittedBytes);
        to.Single(
            "dotnet_gc_allocated_bytes_total",
            "counter",
            "Bytes allocated on the managed heap.",
            GC.GetTotalAllocatedBytes());
        to.Single(
            "dotnet_gc_pause_seconds_total",
            "counter",
            "Time that collections stopped the process.",
            GC.GetTotalPauseDuration().TotalSeconds);
        to.Family("dotnet_gc_collections_total", "counter", "Collections by generation.");
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            // The runtime counts a collection for every younger generation too.
            var older = generation < GC.MaxGeneration ? GC.CollectionCount(generation + 1) : 0;
            to.Sample(
                "dotnet_gc_collections_total",
                [new("generation", generation.ToString(CultureInfo.InvariantCulture))],
                GC.CollectionCount(generation) - older);
        }

        to.Single("dotnet_threadpool_threads", "gauge", "Threads of the pool.", ThreadPool.ThreadCount);
        to.Single(
            "dotnet_threadpool_queue_length",
            "gauge",
            "Work items that wait for a thread.",
            ThreadPool.PendingWorkItemCount);
    }
}
