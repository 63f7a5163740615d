namespace Dmt.Architecture.Tests;

/// <summary>A project of src: which projects it may know, which outside parts, and why no others.</summary>
internal sealed record Room(
    string Name, string[] Projects, string Reason, bool AspNetCore = false, bool Orleans = false, bool Aws = false)
{
    /// <summary>Every room there is or will be; rules for one that does not exist yet do not apply.</summary>
    public static readonly IReadOnlyList<Room> All =
    [
        new("Dmt.Core", [],
            "it is a library of its own: nothing but the base class library, no I/O, no threads, no clock"),
        new("Dmt.Engine", ["Dmt.Core"],
            "the database of one process must run embedded and in a deterministic simulation"),
        new("Dmt.Objects.S3", ["Dmt.Engine"],
            "it is the only place that knows the AWS SDK, and knows little else", Aws: true),
        new("Dmt.Api", ["Dmt.Core"],
            "the HTTP face serves any ITrieStore, embedded or in a cluster, never the engine itself", AspNetCore: true),
        new("Dmt.Hosting", ["Dmt.Api", "Dmt.Engine", "Dmt.Objects.S3"],
            "it is what the two programs share, and one of them runs without a cluster", AspNetCore: true),
        new("Dmt.Cli", ["Dmt.Hosting"],
            "the program of one machine does not need a cluster", AspNetCore: true),
        new("Dmt.Contracts", ["Dmt.Core"],
            "grain interfaces and messages are shared by clients, which have no engine", Orleans: true),
        new("Dmt.Grains", ["Dmt.Contracts", "Dmt.Engine"],
            "grains are thin: they wire the engine to Orleans, no more", Orleans: true),
        new("Dmt.Grains.AzureStorage", [],
            "it is left out where Azure's packages cannot be had, so nothing else may lie in it", Orleans: true),
        new("Dmt.Client", ["Dmt.Contracts"],
            "a client of the cluster carries neither engine nor web server", Orleans: true),
        new("Dmt.Silo", ["Dmt.Grains", "Dmt.Client", "Dmt.Hosting"],
            "it is the cluster's composition root", AspNetCore: true, Orleans: true),
        new("Dmt.Silo.Azure", ["Dmt.Silo", "Dmt.Grains.AzureStorage"],
            "it adds to the program what only Azure's packages can do, and nothing else", AspNetCore: true,
            Orleans: true),
    ];

    /// <summary>What <paramref name="project"/> asks for that its room does not allow.</summary>
    public static IEnumerable<string> Violations(ProjectFile project)
    {
        var room = All.SingleOrDefault(r => r.Name == project.Name);
        if (room is null)
        {
            yield return $"{project.Name} is no known room: add it to Room.All with what it may know, and why";
            yield break;
        }

        var reachable = Reachable(room.Name);
        foreach (var name in project.Projects.Where(p => !reachable.Contains(p)))
        {
            var allowed = room.Projects.Length == 0 ? "no project" : string.Join(", ", room.Projects);
            yield return $"{room.Name} references {name}; allowed: {allowed}, because {room.Reason}";
        }

        foreach (var package in project.Packages.Where(_ => room.Name == "Dmt.Core"))
        {
            yield return $"Dmt.Core references the package {package}; allowed: none, because {room.Reason}";
        }

        foreach (var package in project.Packages.Where(p => !room.Aws && StartsWith(p, "AWSSDK")))
        {
            yield return $"{room.Name} references {package}; only Dmt.Objects.S3 may, so that every other project "
                + "works with any object store";
        }

        foreach (var package in project.Packages.Where(p => !room.Orleans && StartsWith(p, "Microsoft.Orleans")))
        {
            yield return $"{room.Name} references {package}; only Contracts, Grains, their Azure storage, Client "
                + "and the silos may, so that whatever makes distribution correct runs without Orleans, in simulation";
        }

        foreach (var part in project.Frameworks.Concat(project.Packages)
            .Where(p => !room.AspNetCore && StartsWith(p, "Microsoft.AspNetCore")))
        {
            yield return $"{room.Name} references {part}; only Api, Hosting, Cli and the silos may, so that the "
                + "libraries stay usable without a web server";
        }
    }

    /// <summary>What a room sees: what it may reference, and what comes along with that.</summary>
    private static HashSet<string> Reachable(string name)
    {
        var seen = new HashSet<string>();
        var open = new Queue<string>(All.Single(r => r.Name == name).Projects);
        while (open.TryDequeue(out var next))
        {
            if (seen.Add(next))
            {
                All.Single(r => r.Name == next).Projects.ToList().ForEach(open.Enqueue);
            }
        }

        return seen;
    }

    private static bool StartsWith(string name, string family) =>
        name.StartsWith(family, StringComparison.OrdinalIgnoreCase);
}
