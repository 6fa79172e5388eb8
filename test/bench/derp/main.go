// Command derpbench drives a DERP server with Tailscale's own client: "load" measures, "check" asserts.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"tailscale.com/derp/derphttp"
	"tailscale.com/net/netmon"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: derpbench load|check [flags]")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	nodeJSON := flags.String("node", "", "the DERPNode to talk to, as JSON")
	meshKey := flags.String("mesh-key", "", "64 hex digits; lets check watch connections")
	large := flags.Int("large", 65536, "bytes in the largest packet that check sends; inside a WebSocket messages end at 32768")
	pairs := flags.Int("pairs", 4, "sender and receiver pairs")
	size := flags.Int("size", 1200, "bytes in each packet")
	window := flags.Int("window", 24, "packets a pair keeps in flight; 0 sends without waiting")
	warm := flags.Duration("warm", 2*time.Second, "time before measuring")
	span := flags.Duration("span", 8*time.Second, "time measured")
	pid := flags.Int("pid", 0, "server process whose CPU time is read")
	flags.Parse(os.Args[2:])

	node := new(tailcfg.DERPNode)
	if err := json.Unmarshal([]byte(*nodeJSON), node); err != nil {
		log.Fatalf("-node: %v", err)
	}
	var result any
	var err error
	switch os.Args[1] {
	case "load":
		result, err = load(node, loadPlan{*pairs, *size, *window, *warm, *span, *pid})
	case "check":
		result, err = check(node, *meshKey, *large)
	default:
		log.Fatalf("unknown command %q", os.Args[1])
	}
	if err != nil {
		log.Fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(result)
}

// dial makes a client of node and logs it in.
func dial(node *tailcfg.DERPNode, private key.NodePrivate, prepare func(*derphttp.Client)) (*derphttp.Client, error) {
	region := &tailcfg.DERPRegion{RegionID: 900, RegionCode: "bench", Nodes: []*tailcfg.DERPNode{node}}
	client := derphttp.NewRegionClient(private, logger.Discard, netmon.NewStatic(), func() *tailcfg.DERPRegion { return region })
	if prepare != nil {
		prepare(client)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := client.Connect(ctx); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return client, nil
}
