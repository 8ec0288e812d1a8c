#!/bin/sh
#! every-boot
# Opens the port of the application.
port=8080
iptables -A INPUT -p tcp --dport "$port" -j ACCEPT
for name in one two three; do
    systemctl restart "$name.service" || true
done
