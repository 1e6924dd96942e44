/** Outside of `/v1`: the banner, and the page. */
import { page, pagePolicy } from '../ui/page.ts';
import { file, text } from './answers.ts';
import type { Route } from './transport.ts';

export function rootRoutes(): Route[] {
  const html = () => file(page, 'text/html; charset=utf-8', { 'Content-Security-Policy': pagePolicy });
  return [
    { path: '/', methods: { GET: () => text(200, 'Consul Agent') } },
    { path: '/ui', methods: { GET: html } },
    { path: '/ui/', methods: { GET: html } },
  ];
}
