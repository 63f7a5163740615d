# syntax=docker/dockerfile:1
# Two images: dmt (the default), one server, and silo (--target silo), a node of a cluster.
# Settings come from the environment (DMT__STORE, DMT__CLUSTERING, …), flags or a mounted config.json.

FROM mcr.microsoft.com/dotnet/sdk:10.0.401-noble AS source
WORKDIR /source
COPY . .

FROM source AS build-dmt
RUN dotnet publish src/Dmt.Cli -c Release -o /app

FROM source AS build-silo
RUN dotnet publish src/Dmt.Silo.Azure -c Release -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0.12-noble AS base
# The healthcheck asks with curl.
RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/* \
    && mkdir /data && chown "$APP_UID" /data
USER $APP_UID
WORKDIR /data
ENV DMT__HOST=*
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 CMD curl -fsS http://localhost:3030/readyz || exit 1

FROM base AS silo
COPY --from=build-silo /app /app
EXPOSE 3030 11111 30000
ENTRYPOINT ["dotnet", "/app/dmt-silo-azure.dll"]

FROM base AS dmt
COPY --from=build-dmt /app /app
EXPOSE 3030 3040
VOLUME /data
ENTRYPOINT ["dotnet", "/app/dmt.dll"]
CMD ["serve"]
