# The image of Orrery: one static binary, no shell, not root. PostgreSQL is elsewhere, so
# DATABASE_URL is required.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /orrery ./cmd/server

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/LICENSE /LICENSE
COPY --from=build /orrery /orrery
USER 65532:65532
ENV ORRERY_LISTEN=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["/orrery"]
