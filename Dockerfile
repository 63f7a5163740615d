# syntax=docker/dockerfile:1
# dmt serve in a container. Settings come from the environment (DMT__STORE, DMT__REPLICAS, …), flags or a mounted config.json.

FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
WORKDIR /source
COPY . .
RUN dotnet publish src/Dmt.Cli -c Release -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble
# The healthcheck asks with curl.
RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/* \
    && mkdir /data && chown "$APP_UID" /data
COPY --from=build /app /app
USER $APP_UID
WORKDIR /data
ENV DMT__HOST=*
EXPOSE 3030 3040
VOLUME /data
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 CMD curl -fsS http://localhost:3030/readyz || exit 1
ENTRYPOINT ["dotnet", "/app/dmt.dll"]
CMD ["serve"]
