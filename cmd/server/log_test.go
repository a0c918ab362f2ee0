package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestQuieter(t *testing.T) {
	var out bytes.Buffer
	log := quieter(slog.New(slog.NewTextHandler(&out, nil)))
	log.Info("counted")
	log.Error("cut short", "error", fmt.Errorf("begin: %w", context.Canceled))
	log.Error("cut short", "job", 1, "error", context.Canceled.Error(), "tries", 2)
	if out.Len() > 0 {
		t.Errorf("said %s", out.String())
	}
	log.Warn("slow", "took", "9s")
	log.Error("broken", "error", errors.New("no such table"))
	if got := strings.Count(out.String(), "\n"); got != 2 {
		t.Errorf("%d lines: %s", got, out.String())
	}
}
