// The section of a manifest with what the shard knows of requests; byte layout in docs/formats/manifest.md.
using System.Buffers;
using System.Buffers.Binary;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Requests;

internal static class RequestCodec
{
    public static byte[] Encode(IReadOnlyList<RequestClient> clients)
    {
        var to = new ArrayBufferWriter<byte>(256);
        List<RequestScope> scopes =
            [.. clients.SelectMany(static client => client.Completed).Select(static done => done.Scope)
                .OfType<RequestScope>().Distinct()];
        Number((ulong)scopes.Count);
        foreach (var scope in scopes)
        {
            Number((ulong)scope.Ranges.Count);
            foreach (var range in scope.Ranges)
            {
                Bytes(range.Start.Span);
                Number(range.End is null ? 0u : 1);
                if (range.End is { } end)
                {
                    Bytes(end.Span);
                }
            }
        }

        Number((ulong)clients.Count);
        foreach (var client in clients)
        {
            EncodeClient(client);
        }

        return to.WrittenSpan.ToArray();

        void EncodeClient(RequestClient client)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(to.GetSpan(sizeof(ulong)), client.Client);
            to.Advance(sizeof(ulong));
            Number(client.PendingFrom);
            Number((ulong)Math.Max(0, client.LastUsedMs));
            Number((ulong)client.Completed.Count);
            var before = client.PendingFrom;
            foreach (var done in client.Completed)
            {
                Number(done.Number - before);
                Number(done.Version);
                Number(done.Scope is { } scope ? (ulong)scopes.IndexOf(scope) + 1 : 0);
                before = done.Number;
            }
        }

        void Number(ulong value) => to.Advance(Varint.Write(to.GetSpan(Varint.BytesMax64), value));

        void Bytes(ReadOnlySpan<byte> bytes)
        {
            Number((ulong)bytes.Length);
            to.Write(bytes);
        }
    }

    /// <param name="section">The content of the section.</param>
    /// <param name="objectName">The manifest, for messages.</param>
    /// <exception cref="DmtException">Corruption.</exception>
    public static IReadOnlyList<RequestClient> Decode(ReadOnlySpan<byte> section, string objectName) =>
        new Reader(section, objectName).Read();

    private ref struct Reader(ReadOnlySpan<byte> bytes, string objectName)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private int _at;

        public RequestClient[] Read()
        {
            var scopes = new RequestScope[Count()];
            for (var i = 0; i < scopes.Length; i++)
            {
                scopes[i] = Scope();
            }

            var clients = new RequestClient[Count()];
            var seen = new HashSet<ulong>();
            for (var i = 0; i < clients.Length; i++)
            {
                clients[i] = Client(scopes);
                if (!seen.Add(clients[i].Client))
                {
                    throw Damaged("a client is there twice");
                }
            }

            return _at == _bytes.Length ? clients : throw Damaged("something follows the last client");
        }

        private RequestScope Scope()
        {
            var ranges = new KeyRange[Count()];
            for (var i = 0; i < ranges.Length; i++)
            {
                var start = Bytes();
                ranges[i] = new KeyRange(start, Number() == 0 ? default(ReadOnlyMemory<byte>?) : Bytes());
            }

            return new RequestScope(ranges);
        }

        private RequestClient Client(RequestScope[] scopes)
        {
            if (_bytes.Length - _at < sizeof(ulong))
            {
                throw Damaged("it ends early");
            }

            var client = BinaryPrimitives.ReadUInt64LittleEndian(_bytes[_at..]);
            _at += sizeof(ulong);
            var (pendingFrom, lastUsedMs) = (Number(), (long)Number());
            var completed = new CompletedRequest[Count()];
            var number = pendingFrom;
            for (var i = 0; i < completed.Length; i++)
            {
                var (step, version, scope) = (Number(), Number(), Number());
                if ((step == 0 && i > 0) || step > ulong.MaxValue - number || version == 0
                    || scope > (ulong)scopes.Length)
                {
                    throw Damaged($"request {i} of a client is none");
                }

                number += step;
                completed[i] = new CompletedRequest(number, version, scope == 0 ? null : scopes[scope - 1]);
            }

            return pendingFrom > 0
                ? new RequestClient(client, pendingFrom, lastUsedMs, completed)
                : throw Damaged("a client is pending from 0");
        }

        private ulong Number() =>
            Varint.TryRead(_bytes, ref _at, out var value) ? value : throw Damaged("it ends early");

        /// <summary>A number of things that follow: never more than there are bytes left.</summary>
        private int Count()
        {
            var count = Number();
            return count <= (ulong)(_bytes.Length - _at) ? (int)count : throw Damaged("it ends early");
        }

        private byte[] Bytes()
        {
            var length = Count();
            _at += length;
            return _bytes[(_at - length).._at].ToArray();
        }

        private readonly DmtException Damaged(string what) =>
            DmtException.Corruption(objectName, _at, $"in the section of requests: {what}");
    }
}
