package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tailscale.com/derp"
	"tailscale.com/derp/derphttp"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

type loadPlan struct {
	pairs, size, window int
	warm, span          time.Duration
	pid                 int
}

type loadResult struct {
	Seconds          float64
	PacketsReceived  int64
	PacketsSent      int64
	ServerCPUSeconds float64
	ServerRSSBytes   int64
}

// clockTicks is USER_HZ, 100 on every Linux that Go supports.
const clockTicks = 100

type pair struct {
	sender, receiver *derphttp.Client
	to               key.NodePublic
	sent, received   atomic.Int64
	room             chan struct{}
}

func load(node *tailcfg.DERPNode, plan loadPlan) (*loadResult, error) {
	failed := make(chan error, 2*plan.pairs)
	all := make([]*pair, plan.pairs)
	for i := range all {
		p, err := newPair(node, plan.window)
		if err != nil {
			return nil, err
		}
		all[i] = p
	}
	for _, p := range all {
		go p.receive(failed)
		go p.send(plan.size, failed)
	}
	if err := waitOr(failed, plan.warm); err != nil {
		return nil, err
	}
	sent, received := totals(all)
	cpu, err := cpuSeconds(plan.pid)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	if err := waitOr(failed, plan.span); err != nil {
		return nil, err
	}
	seconds := time.Since(started).Seconds()
	cpuAfter, err := cpuSeconds(plan.pid)
	if err != nil {
		return nil, err
	}
	sentAfter, receivedAfter := totals(all)
	return &loadResult{seconds, receivedAfter - received, sentAfter - sent, cpuAfter - cpu, residentBytes(plan.pid)}, nil
}

func newPair(node *tailcfg.DERPNode, window int) (*pair, error) {
	receiverKey := key.NewNode()
	receiver, err := dial(node, receiverKey, nil)
	if err != nil {
		return nil, err
	}
	// The first message after login must be the server's info: from here on the receiver is registered.
	if m, err := receiver.Recv(); err != nil {
		return nil, err
	} else if _, ok := m.(derp.ServerInfoMessage); !ok {
		return nil, fmt.Errorf("first message is %T", m)
	}
	sender, err := dial(node, key.NewNode(), nil)
	if err != nil {
		return nil, err
	}
	p := &pair{sender: sender, receiver: receiver, to: receiverKey.Public()}
	if window > 0 {
		p.room = make(chan struct{}, window)
	}
	return p, nil
}

func (p *pair) send(size int, failed chan<- error) {
	packet := make([]byte, size)
	for {
		if p.room != nil {
			select {
			case p.room <- struct{}{}:
			case <-time.After(time.Second): // a lost packet never frees its place
				for len(p.room) > 0 {
					<-p.room
				}
			}
		}
		if err := p.sender.Send(p.to, packet); err != nil {
			failed <- fmt.Errorf("send: %w", err)
			return
		}
		p.sent.Add(1)
	}
}

func (p *pair) receive(failed chan<- error) {
	for {
		m, err := p.receiver.Recv()
		if err != nil {
			failed <- fmt.Errorf("receive: %w", err)
			return
		}
		if _, ok := m.(derp.ReceivedPacket); !ok {
			continue
		}
		p.received.Add(1)
		if p.room != nil {
			select {
			case <-p.room:
			default:
			}
		}
	}
}

func waitOr(failed <-chan error, span time.Duration) error {
	select {
	case err := <-failed:
		return err
	case <-time.After(span):
		return nil
	}
}

func totals(all []*pair) (sent, received int64) {
	for _, p := range all {
		sent += p.sent.Load()
		received += p.received.Load()
	}
	return
}

// cpuSeconds reads fields 14 and 15 of /proc/PID/stat (proc(5)): user and system time of all threads.
func cpuSeconds(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / clockTicks, nil
}

func residentBytes(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
